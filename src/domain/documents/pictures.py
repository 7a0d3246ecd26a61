"""Pictures of a document: which are worth a look, what they are called, and where they stand."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from domain.documents.converted_text import PlacedBlock, has_words
from domain.documents.structure import Block, DocumentStructure, Heading, Picture

MOST_PICTURES = 200
MOST_BYTES = 8 * 1024 * 1024
# What comes back on so many pages is no content: a logo, a rule, a background.
_OFTEN_PAGES, _OFTEN_SHARE = 3, 0.5
_SLIDE = "slide"
_TOO_MUCH = (
    "{} pictures were left out: those before them are as many, or as much, as a document may "
    f"have: {MOST_PICTURES} pictures, {MOST_BYTES // 1024 // 1024} MiB of small copies; split it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPicture:
    """`at` is a character of the converted text: one of the words that it stands beside."""

    image: bytes
    at: int


def with_pictures_chosen(structure: DocumentStructure) -> DocumentStructure:
    """Without the images of ornaments, which come back page by page, and of what is too much, which
    a warning tells."""
    shown = dict.fromkeys(
        (block.image, block.page) for block in structure.blocks if _has_image(block)
    )
    pages = Counter(image for image, _ in shown)
    often = max(_OFTEN_PAGES, structure.page_count * _OFTEN_SHARE)
    kept: set[bytes] = set()
    size = too_much = 0
    for image, times in pages.items():
        if times >= often:
            continue
        size += len(image)
        if len(kept) < MOST_PICTURES and size <= MOST_BYTES:
            kept.add(image)
        else:
            too_much += 1
    left = (
        replace(block, image=b"") if _has_image(block) and block.image not in kept else block
        for block in structure.blocks
        if not _has_image(block) or block.image in kept or has_words(block)
    )
    warnings = (*structure.warnings, _TOO_MUCH.format(too_much)) if too_much else structure.warnings
    return replace(structure, blocks=tuple(left), warnings=warnings)


def with_pictures_named(structure: DocumentStructure, page_name: str) -> DocumentStructure:
    """A picture on a page without any words is called by its page, so that it can be cited.

    `page_name` is what the format has: "page", "slide" or "sheet"; slides are sections of their
    own. A document without pages and words has a picture of its title.
    """
    # With the title: pictures of two documents must not look like two copies of one text.
    document = f" of {structure.title}" if structure.title else ""
    told = {block.page for block in structure.blocks if has_words(block)}

    blocks: list[Block] = []
    for block in structure.blocks:
        if not _has_image(block) or block.page in told:
            blocks.append(block)
            continue
        told.add(block.page)
        if page_name == _SLIDE:
            blocks.append(Heading(text=f"Slide {block.page}", level=1, page=block.page))
        place = "" if block.page is None else f" on {page_name} {block.page}"
        blocks.append(replace(block, caption=f"Picture{place}{document}"))
    return replace(structure, blocks=tuple(blocks))


def placed_pictures(
    blocks: Iterable[Block], placed: Iterable[PlacedBlock]
) -> Iterator[PlacedPicture]:
    """Every picture that has an image, beside the words that it follows on its page, or precedes.

    `placed` are the document's `placed_blocks`. One on a page without words is left out.
    """
    words = iter(placed)
    last: PlacedBlock | None = None
    waiting: list[Picture] = []
    for block in blocks:
        if has_words(block):
            last = next(words)
            for picture in waiting:
                if picture.page == block.page:
                    yield PlacedPicture(image=picture.image, at=last.start)
            waiting = []
        if _has_image(block):
            if last is not None and last.block.page == block.page:
                yield PlacedPicture(image=block.image, at=last.span[1] - 1)
            else:
                waiting.append(block)


def _has_image(block: Block) -> TypeGuard[Picture]:
    return isinstance(block, Picture) and bool(block.image)
