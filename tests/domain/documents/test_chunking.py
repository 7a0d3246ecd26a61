import re
import time
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.chunking import (
    Chunk,
    ChunkingPolicy,
    ChunkKind,
    chunk_document,
    embedding_text,
)
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from fixtures.document_blocks import (
    SHAPES,
    Words,
    block_of,
    count_with_start_and_end_marks,
    count_words_and_marks,
)


def document(*blocks: Block) -> DocumentStructure:
    return DocumentStructure(title="A document", blocks=blocks)


def chunks_of(
    *blocks: Block,
    count: Callable[[str], int] = count_words_and_marks,
    max_tokens: int = 60,
    min_tokens: int = 10,
    overlap_tokens: int = 0,
) -> tuple[Chunk, ...]:
    policy = ChunkingPolicy(
        max_tokens=max_tokens, min_tokens=min_tokens, overlap_tokens=overlap_tokens
    )
    chunks = chunk_document(document(*blocks), policy=policy, count_tokens=count)
    for chunk in chunks:
        assert count(embedding_text(chunk)) == chunk.token_count <= max_tokens
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    return chunks


def sentence(words: int, name: str = "w") -> str:
    return " ".join(f"{name}{i}" for i in range(words)).capitalize() + "."


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def is_subsequence(wanted: Iterable[str], found: Iterable[str]) -> bool:
    rest = iter(found)
    return all(word in rest for word in wanted)


def _source_words(blocks: Iterable[Block]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        match block:
            case Heading() | Paragraph():
                found += words_of(block.text)
            case BulletList():
                found += [word for item in block.items for word in words_of(item)]
            case Table():
                cells = (block.caption, *block.header, *(c for row in block.rows for c in row))
                found += [word for cell in cells for word in words_of(cell)]
            case Picture():
                found += words_of(block.caption)
    return found


@given(
    shapes=st.lists(SHAPES, max_size=12),
    wide=st.integers(0, 9),
    max_tokens=st.integers(16, 120),
    overlap_quarter=st.booleans(),
    marks=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost_moved_or_invented(
    shapes: list[tuple[str, int, int]],
    wide: int,
    max_tokens: int,
    overlap_quarter: bool,
    marks: bool,
) -> None:
    words = Words()
    blocks = [block_of(shape, words, wide) for shape in shapes]

    chunks = chunks_of(
        *blocks,
        count=count_with_start_and_end_marks if marks else count_words_and_marks,
        max_tokens=max_tokens,
        min_tokens=max_tokens // 3,
        overlap_tokens=max_tokens // 4 if overlap_quarter else 0,
    )

    source = _source_words(blocks)
    found = [w for c in chunks for part in (*c.section_path, c.text) for w in words_of(part)]
    assert is_subsequence(source, found)
    # A shortened heading may end in the middle of a word; its paragraph has the whole of it.
    shortened = {words_of(part)[-1] for c in chunks for part in c.section_path if part[-1] == "…"}
    assert set(found) - shortened <= set(source)


@given(text=st.text(max_size=1500), max_tokens=st.integers(16, 50), overlap=st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_any_text_at_all_keeps_its_characters_in_order(
    text: str, max_tokens: int, overlap: int
) -> None:
    chunks = chunks_of(
        Paragraph(text=text), max_tokens=max_tokens, min_tokens=8, overlap_tokens=overlap
    )

    wanted = "".join(text.split())
    assert is_subsequence(wanted, "".join("".join(chunk.text.split()) for chunk in chunks))


def test_an_empty_document_has_no_chunks() -> None:
    assert chunks_of() == ()


def test_white_space_only_has_no_chunks() -> None:
    blank = Table(header=(" ",), rows=((" ",), ("",)))
    blocks = (Paragraph(text=" \n\t "), BulletList(items=("  ",)), Picture(caption=" "), blank)
    assert chunks_of(Heading(text=" ", level=1), *blocks) == ()


def test_a_document_without_headings_is_chunked() -> None:
    (chunk,) = chunks_of(Paragraph(text="Only this."), Paragraph(text="And that."))

    assert chunk.text == "Only this.\n\nAnd that."
    assert chunk.section_path == ()
    assert embedding_text(chunk) == chunk.text


def test_a_table_before_the_first_heading_is_chunked() -> None:
    table = Table(header=("Plan", "Price"), rows=(("Basic", "9"),))
    first, second = chunks_of(table, Heading(text="Terms", level=1), Paragraph(text="Pay."))

    assert first.text == "| Plan | Price |\n| --- | --- |\n| Basic | 9 |"
    assert first.kind is ChunkKind.TABLE
    assert second.section_path == ("Terms",)


def test_headings_make_the_section_path() -> None:
    chunks = chunks_of(
        Heading(text="Guide", level=1),
        Heading(text="Voice", level=2),
        Paragraph(text="Warm."),
        Heading(text="Colour", level=2),
        Paragraph(text="Blue."),
        Heading(text="Annex", level=1),
        Paragraph(text="End."),
    )

    assert [chunk.section_path for chunk in chunks] == [
        ("Guide", "Voice"),
        ("Guide", "Colour"),
        ("Annex",),
    ]
    assert embedding_text(chunks[0]) == "Guide > Voice\n\nWarm."


def test_a_heading_with_nothing_below_it_keeps_its_words() -> None:
    first, second = chunks_of(
        Heading(text="Thank you", level=1), Heading(text="Contact", level=1), Paragraph(text="Us.")
    )

    assert (first.text, first.section_path) == ("Thank you", ())
    assert (second.text, second.section_path) == ("Us.", ("Contact",))


def test_a_heading_above_a_wordless_picture_keeps_its_words() -> None:
    (chunk,) = chunks_of(Heading(text="Our range", level=1), Picture())

    assert chunk.text == "Our range"


def test_small_neighbours_of_one_section_share_a_chunk() -> None:
    blocks = (Paragraph(text="Three benefits:"), BulletList(items=("Fast", "Light", "Warm")))
    (chunk,) = chunks_of(*blocks)

    assert chunk.text == "Three benefits:\n\n- Fast\n- Light\n- Warm"
    assert chunk.kind is ChunkKind.LIST


def test_a_paragraph_that_fits_is_never_cut() -> None:
    paragraphs = [sentence(20, f"a{i}w") + " " + sentence(20, f"b{i}w") for i in range(9)]
    chunks = chunks_of(*(Paragraph(text=text) for text in paragraphs))

    for text in paragraphs:
        assert sum(text in chunk.text for chunk in chunks) == 1


def test_a_sentence_that_fits_is_never_cut() -> None:
    sentences = [sentence(17, f"s{i}w") for i in range(20)]
    chunks = chunks_of(Paragraph(text=" ".join(sentences)))

    assert len(chunks) > 5
    for text in sentences:
        assert any(text in chunk.text for chunk in chunks)


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    text = " ".join(f"Use a noun, e.g. n{i}, here." for i in range(40))

    chunks = chunks_of(Paragraph(text=text))

    assert all(chunk.text.endswith(", here.") for chunk in chunks)


def test_overlap_repeats_the_last_sentences_of_the_section() -> None:
    sentences = [sentence(9, f"s{i}w") for i in range(12)]
    first, second, *_ = chunks_of(Paragraph(text=" ".join(sentences)), overlap_tokens=12)

    last = first.text[first.text.rindex("S") :]
    assert second.text.startswith(last)


def test_overlap_repeats_words_when_one_sentence_is_too_long() -> None:
    first, second, *_ = chunks_of(Paragraph(text=sentence(200)), overlap_tokens=5)

    assert second.text.split()[0] in first.text.split()


def test_overlap_never_crosses_a_heading() -> None:
    blocks = [
        block
        for name in ("a", "b")
        for block in (Heading(text=name, level=1), Paragraph(text=sentence(90, name)))
    ]
    chunks = chunks_of(*blocks, overlap_tokens=10)

    start = next(chunk for chunk in chunks if chunk.section_path == ("b",))
    assert start.text.startswith("B0")


def test_the_last_chunk_of_a_section_is_no_crumb() -> None:
    paragraphs = [Paragraph(text=sentence(14, f"p{i}w")) for i in range(5)]
    chunks = chunks_of(*paragraphs, min_tokens=20)

    assert chunks[-1].token_count >= 20


def test_a_split_table_repeats_caption_and_header() -> None:
    rows = tuple((f"item{i}", str(i)) for i in range(60))
    table = Table(header=("Item", "Price"), rows=rows, caption="Prices in euros")
    chunks = chunks_of(table)

    assert len(chunks) > 5
    head = "Prices in euros\n\n| Item | Price |\n| --- | --- |\n| item"
    assert all(chunk.text.startswith(head) for chunk in chunks)
    shown = [line for chunk in chunks for line in chunk.text.splitlines()[4:]]
    assert shown == [f"| item{i} | {i} |" for i in range(60)]


def test_a_row_too_long_is_split_by_its_cells() -> None:
    table = Table(header=("Name", "Story"), rows=(("Lamp", sentence(150)), ("Desk", "Short")))
    chunks = chunks_of(table)

    text = "\n".join(chunk.text for chunk in chunks)
    assert "Name: Lamp" in text
    assert "Story: W0 w1" in text
    assert "| Desk | Short |" in text


def test_a_wide_table_names_its_columns_in_every_row() -> None:
    header = tuple(f"Column {i}" for i in range(12))
    rows = tuple(tuple(f"r{r}c{c}" for c in range(12)) for r in range(4))
    chunks = chunks_of(Table(header=header, rows=rows, caption="Wide"), max_tokens=90)

    assert chunks[0].text.startswith("Wide\nColumn 0; Column 1;")
    record = "; ".join(f"Column {c}: r3c{c}" for c in range(12))
    assert record in chunks[-1].text


def test_a_header_too_long_to_repeat_is_said_once() -> None:
    header = tuple(f"column{i}" for i in range(80))
    rows = tuple(tuple(f"r{r}c{c}" for c in range(80)) for r in range(2))
    chunks = chunks_of(Table(header=header, rows=rows))

    assert sum(chunk.text.count("column79") for chunk in chunks) <= 3
    assert "column79: r1c79" in "\n".join(chunk.text for chunk in chunks)


def test_a_table_without_a_header_is_still_markdown() -> None:
    (chunk,) = chunks_of(Table(header=(), rows=(("a", "b|c"), ("d\ne", ""))))

    assert chunk.text == "|  |  |\n| --- | --- |\n| a | b\\|c |\n| d e |  |"


def test_empty_columns_and_rows_of_a_sheet_cost_nothing() -> None:
    blank = ("",) * 6
    (chunk,) = chunks_of(Table(header=("A", "", "", "", "", "B"), rows=(blank, ("1", *blank[1:]))))

    assert chunk.text == "| A | B |\n| --- | --- |\n| 1 |  |"


def test_a_list_that_fits_stays_together() -> None:
    items = tuple(sentence(6, f"i{i}w") for i in range(6))
    blocks = (Paragraph(text=sentence(30)), BulletList(items=items))
    chunks = chunks_of(*blocks)

    assert chunks[-1].text == "\n".join(f"- {item}" for item in items)


def test_a_nested_list_keeps_its_indent() -> None:
    (chunk,) = chunks_of(BulletList(items=("Outer", "  Inner")))

    assert chunk.text == "- Outer\n  - Inner"


def test_long_headings_are_cut_for_context_only() -> None:
    headings = [Heading(text=sentence(25, f"h{i}w"), level=i) for i in range(1, 6)]
    (chunk,) = chunks_of(*headings, Paragraph(text="Body."))

    assert chunk.section_path == tuple(heading.text for heading in headings)
    assert count_words_and_marks(chunk.context) <= 15
    assert chunk.context.startswith("H5w0")


def test_a_heading_as_long_as_a_page_is_kept_as_text() -> None:
    chunks = chunks_of(Heading(text=sentence(500), level=1), Paragraph(text="Body."))

    assert len(chunks[0].section_path[0]) <= 200
    assert is_subsequence(words_of(sentence(500)), words_of("\n".join(c.text for c in chunks)))


def test_a_chunk_names_its_first_page() -> None:
    (chunk,) = chunks_of(Paragraph(text="One.", page=3), Paragraph(text="Two.", page=4))

    assert chunk.page == 3


def test_a_picture_is_known_by_its_caption() -> None:
    (chunk,) = chunks_of(Picture(caption="The lamp on a desk", page=2), Picture())

    assert (chunk.text, chunk.kind) == ("The lamp on a desk", ChunkKind.PICTURE)


@pytest.mark.parametrize("text", ["x" * 50_000, "字" * 50_000, "wort " * 10_000, "a.b" * 20_000])
def test_fifty_thousand_characters_in_one_go_are_cut(text: str) -> None:
    chunks = chunks_of(Paragraph(text=text), max_tokens=200, min_tokens=40, overlap_tokens=24)

    assert "".join("".join(c.text.split()) for c in chunks).startswith("".join(text.split())[:500])
    assert sum(len(chunk.text) for chunk in chunks) >= len("".join(text.split()))


def test_a_counter_that_charges_for_neighbours_is_still_obeyed() -> None:
    def count(text: str) -> int:
        return count_words_and_marks(text) + 3 * text.count(" ")

    chunks_of(Paragraph(text=" ".join(sentence(3, f"s{i}") for i in range(80))), count=count)


def test_a_megabyte_is_chunked_in_about_a_second() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return (len(text) + 3) // 4

    prose = " ".join(sentence(12) for _ in range(4_800))
    endless = "w " * 150_000
    table = Table(header=("A", "B"), rows=tuple((f"row {i}", "x" * 20) for i in range(16_000)))
    blocks = (Heading(text="All", level=1), Paragraph(text=prose), Paragraph(text=endless), table)
    started = time.process_time()
    policy = ChunkingPolicy()
    chunks = chunk_document(document(*blocks), policy=policy, count_tokens=count)
    spent = time.process_time() - started

    size = len(prose) + len(endless) + 16_000 * 34
    assert size > 1_000_000
    assert all(chunk.token_count <= policy.max_tokens for chunk in chunks)
    assert counted < 6 * size
    assert spent < 3


@pytest.mark.parametrize(
    ("max_tokens", "min_tokens", "overlap_tokens"), [(15, 0, 0), (100, 51, 0), (100, 10, 26)]
)
def test_a_policy_that_cannot_work_is_refused(
    max_tokens: int, min_tokens: int, overlap_tokens: int
) -> None:
    with pytest.raises(ValueError, match="tokens must"):
        ChunkingPolicy(max_tokens=max_tokens, min_tokens=min_tokens, overlap_tokens=overlap_tokens)
