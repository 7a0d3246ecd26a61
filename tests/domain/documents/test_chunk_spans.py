import re

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.chunking import Chunk, ChunkingPolicy, ChunkKind, chunk_document
from domain.documents.converted_text import converted_text, placed_blocks
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from fixtures.document_blocks import SHAPES, Words, block_of, count_words_and_marks


def made(
    *blocks: Block, max_tokens: int = 60, overlap_tokens: int = 0
) -> tuple[str, tuple[Chunk, ...]]:
    structure = DocumentStructure(title="A document", blocks=blocks)
    policy = ChunkingPolicy(
        max_tokens=max_tokens, min_tokens=max_tokens // 4, overlap_tokens=overlap_tokens
    )
    chunks = chunk_document(structure, policy=policy, count_tokens=count_words_and_marks)
    return converted_text(structure), chunks


def letters(text: str) -> str:
    return "".join(text.split())


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def shown(text: str, chunk: Chunk) -> str:
    return text[chunk.span[0] : chunk.span[1]]


@given(
    shapes=st.lists(SHAPES, max_size=12),
    wide=st.integers(0, 9),
    max_tokens=st.integers(16, 120),
    overlap=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_spans_cover_the_document_in_order(
    shapes: list[tuple[str, int, int]], wide: int, max_tokens: int, overlap: bool
) -> None:
    numbered = Words()
    blocks = [block_of(shape, numbered, wide) for shape in shapes]

    text, chunks = made(
        *blocks, max_tokens=max_tokens, overlap_tokens=max_tokens // 4 if overlap else 0
    )

    assert [c.span[0] for c in chunks] == sorted(c.span[0] for c in chunks)
    assert [c.span[1] for c in chunks] == sorted(c.span[1] for c in chunks)
    assert all(0 <= c.span[0] < c.span[1] <= len(text) for c in chunks)
    structure = DocumentStructure(title="A document", blocks=tuple(blocks))
    headings = [p.span for p in placed_blocks(structure) if isinstance(p.block, Heading)]
    covered = bytearray(len(text))
    for start, end in (*headings, *(chunk.span for chunk in chunks)):
        covered[start:end] = b"\x01" * (end - start)
    bare = [i for i, seen in enumerate(covered) if not seen and text[i].isalnum()]
    assert bare == []


@given(
    shapes=st.lists(SHAPES.filter(lambda shape: shape[0] != "table"), max_size=12),
    max_tokens=st.integers(16, 120),
    overlap=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_a_chunk_is_what_stands_at_its_span(
    shapes: list[tuple[str, int, int]], max_tokens: int, overlap: bool
) -> None:
    numbered = Words()
    text, chunks = made(
        *(block_of(shape, numbered, 0) for shape in shapes),
        max_tokens=max_tokens,
        overlap_tokens=max_tokens // 4 if overlap else 0,
    )

    for chunk in chunks:
        assert letters(shown(text, chunk)) == letters(chunk.text)


@given(
    columns=st.integers(1, 6),
    rows=st.integers(0, 12),
    wide=st.integers(0, 9),
    max_tokens=st.integers(16, 90),
)
@settings(max_examples=150, deadline=None)
def test_a_part_of_a_table_spans_the_rows_it_shows(
    columns: int, rows: int, wide: int, max_tokens: int
) -> None:
    table = block_of(("table", columns, rows), Words(), wide)
    assert isinstance(table, Table)

    text, chunks = made(Paragraph(text="Before."), table, max_tokens=max_tokens)

    head = words(" ".join((table.caption, *table.header)))
    for chunk in chunks:
        assert words(chunk.text) - head <= words(shown(text, chunk))


@given(text=st.text(max_size=1500), max_tokens=st.integers(16, 50), overlap=st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_any_text_at_all_stands_at_its_spans(text: str, max_tokens: int, overlap: int) -> None:
    whole, chunks = made(Paragraph(text=text), max_tokens=max_tokens, overlap_tokens=overlap)

    for chunk in chunks:
        assert letters(shown(whole, chunk)) == letters(chunk.text)


def test_the_converted_text_has_every_block_once() -> None:
    text, _ = made(
        Heading(text="Our\nlamp", level=1),
        Paragraph(text=" It shines.\nWarmly. "),
        Paragraph(text=" "),
        BulletList(items=("Light", "  Very light", " ")),
        Table(header=("Plan", "Price"), rows=(("Basic", "9|10"), ("", "")), caption="Plans"),
        Picture(caption="A lamp"),
        Picture(),
    )

    assert text == (
        "Our lamp\n\nIt shines.\nWarmly.\n\n- Light\n  - Very light\n\n"
        "Plans\n\n| Plan | Price |\n| --- | --- |\n| Basic | 9\\|10 |\n\nA lamp"
    )


def test_overlap_belongs_to_the_span() -> None:
    sentences = [f"Sentence s{i} has seven words in it." for i in range(12)]
    text, (first, second, *_) = made(Paragraph(text=" ".join(sentences)), overlap_tokens=12)

    assert second.span[0] < first.span[1]
    assert shown(text, second) == second.text


def test_a_long_row_between_short_ones_keeps_the_order() -> None:
    long = " ".join(f"w{i}" for i in range(150))
    table = Table(header=("Name", "Story"), rows=(("Desk", "Short"), ("Lamp", long), ("Bed", "B")))
    text, chunks = made(table)

    found = " ".join(chunk.text for chunk in chunks)
    assert found.index("Desk") < found.index("Lamp") < found.index("Bed")
    assert "| Desk | Short |" in shown(text, chunks[0])
    assert chunks[-1].span[1] == len(text)


def test_a_repeated_heading_names_its_own_place() -> None:
    text, chunks = made(
        Heading(text="Thanks", level=1),
        Heading(text="Thanks", level=1),
        Paragraph(text="Thanks"),
    )

    assert [chunk.span for chunk in chunks] == [(0, 6), (16, 22)]
    assert text == "Thanks\n\nThanks\n\nThanks"


def test_fifty_thousand_characters_know_their_spans() -> None:
    text, chunks = made(
        Paragraph(text="An endless word: " + "x" * 50_000), max_tokens=200, overlap_tokens=24
    )

    assert (chunks[0].span[0], chunks[-1].span[1]) == (0, len(text))
    assert all(shown(text, chunk) == chunk.text for chunk in chunks)


def test_an_empty_document_has_no_text() -> None:
    assert made(Paragraph(text="\n"), Heading(text=" ", level=2)) == ("", ())


def test_what_room_there_is_for_overlap_is_used() -> None:
    """A paragraph that nearly fills its chunk still begins with the words before it."""
    one, two = (" ".join(f"{name}{i}" for i in range(56)) + "." for name in "ab")
    text, (first, second) = made(Paragraph(text=one), Paragraph(text=two), overlap_tokens=12)

    assert first.kind is ChunkKind.PROSE
    assert second.text.startswith("a55.")
    assert letters(shown(text, second)) == letters(second.text)
