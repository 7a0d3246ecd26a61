"""Markdown documents of a made-up company, the same every time, and questions about them."""

from collections.abc import Iterator
from random import Random
from typing import TypeAlias

from obelisk.v1 import document_pb2

Document: TypeAlias = tuple[str, bytes, document_pb2.Collection.ValueType]

_THINGS = ("rucksack", "tote", "satchel", "duffel", "apron", "bicycle bag", "wash bag", "case")
_MATERIALS = ("waxed canvas", "oiled cotton", "bridle leather", "recycled nylon", "undyed wool")
_SUBJECTS = ("The spring campaign", "Our workshop", "The repair desk", "A returning customer")
_VERBS = ("brought back", "explained", "measured", "recommended", "photographed", "compared")
_ENDS = ("after two winters", "in the first week", "for a third of the price", "without a seam")
_HEADINGS = ("What it is for", "How it is made", "What people said", "Results", "Next steps")
_COLLECTIONS = (
    document_pb2.COLLECTION_PRODUCT,
    document_pb2.COLLECTION_CAMPAIGN,
    document_pb2.COLLECTION_BRAND,
    document_pb2.COLLECTION_WEB,
)
_SENTENCES = 9
_PASSAGE_CHARACTERS = 1000


def documents(count: int) -> Iterator[Document]:
    """File name, content and collection of each document; about 500 words each."""
    random = Random(7)
    for number in range(count):
        title = f"{random.choice(_MATERIALS).capitalize()} {random.choice(_THINGS)} {number + 1}"
        sections = [f"## {heading}\n\n{_paragraph(random)}\n" for heading in _HEADINGS]
        text = f"# {title}\n\n" + "\n".join(sections)
        yield f"note-{number + 1:03}.md", text.encode(), _COLLECTIONS[number % len(_COLLECTIONS)]


def passages(count: int) -> list[str]:
    """Texts of 1,000 characters, as a retriever would find them."""
    random = Random(5)
    return [
        _paragraph(random).ljust(_PASSAGE_CHARACTERS)[:_PASSAGE_CHARACTERS] for _ in range(count)
    ]


def questions(count: int) -> list[str]:
    """Questions that differ, so that nothing can be answered from a memory of the last one."""
    random = Random(11)
    return [
        f"Write an email about the {random.choice(_MATERIALS)} {random.choice(_THINGS)} that "
        f"{random.choice(_SUBJECTS).lower()} {random.choice(_VERBS)} in week {number + 1}."
        for number in range(count)
    ]


def _paragraph(random: Random) -> str:
    return " ".join(_sentence(random) for _ in range(_SENTENCES))


def _sentence(random: Random) -> str:
    return (
        f"{random.choice(_SUBJECTS)} {random.choice(_VERBS)} {random.randint(2, 90)} pieces of "
        f"{random.choice(_MATERIALS)} {random.choice(_ENDS)}."
    )
