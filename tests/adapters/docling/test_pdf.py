from pathlib import Path

import pytest

from adapters.docling import DoclingConverter
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import (
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from fixtures.pdf_files import Image, Mark, Text, grid, paragraph, pdf

_FILLER = paragraph(60, 300, ["Body text of ten points makes up most of this page, as it does"] * 3)
_EXAMPLES = Path(__file__).parents[3] / "examples"


async def read(converter: DoclingConverter, content: bytes) -> DocumentStructure:
    return await converter.convert(filename="sheet.pdf", media_type=MediaType.PDF, content=content)


def headings(structure: DocumentStructure) -> list[tuple[int, str]]:
    return [(b.level, b.text) for b in structure.blocks if isinstance(b, Heading)]


def texts(structure: DocumentStructure) -> list[str]:
    return [block.text for block in structure.blocks if isinstance(block, Paragraph)]


def tables(structure: DocumentStructure) -> list[Table]:
    return [block for block in structure.blocks if isinstance(block, Table)]


async def test_headings_get_their_level_from_their_size(converter: DoclingConverter) -> None:
    marks: list[Mark] = [
        Text(60, 80, "Product sheet", 24, bold=True),
        Text(60, 130, "The range", 16, bold=True),
        Text(60, 170, "Hand grinder", 12, bold=True),
        *_FILLER,
        Text(60, 400, "One more machine", 16, bold=True),
        *paragraph(60, 430, ["And its text."]),
    ]
    structure = await read(converter, pdf(marks))

    assert headings(structure) == [
        (1, "Product sheet"),
        (2, "The range"),
        (3, "Hand grinder"),
        (2, "One more machine"),
    ]
    assert structure.title == "Product sheet"


async def test_lines_of_a_paragraph_are_joined_and_hyphens_healed(
    converter: DoclingConverter,
) -> None:
    lines = ["A grinder that can be opened, re-", "paired and closed again will out-", "last us."]
    structure = await read(converter, pdf(paragraph(60, 100, lines)))

    assert texts(structure) == [
        "A grinder that can be opened, repaired and closed again will outlast us."
    ]


async def test_two_columns_are_read_one_after_the_other(converter: DoclingConverter) -> None:
    left = [f"left line number {i} of the first column" for i in range(6)]
    right = [f"right line number {i} of the second column" for i in range(6)]
    marks = [
        Text(60, 60, "A title across both of the columns of this page", 18, bold=True),
        *paragraph(60, 100, left),
        *paragraph(320, 100, right),
    ]
    structure = await read(converter, pdf(marks))

    assert texts(structure) == [" ".join(left), " ".join(right)]


async def test_a_ruled_table_keeps_its_cells(converter: DoclingConverter) -> None:
    marks: list[Mark] = [
        *grid([60, 200, 300, 400], [100, 120, 140, 160]),
        *[Text(65, y, name) for y, name in ((114, "Machine"), (134, "Fell 40"), (154, "Rill 54"))],
        *[Text(205, y, price) for y, price in ((114, "New"), (134, "129"), (154, "289"))],
        *[Text(305, y, old) for y, old in ((114, "Second"), (134, "89"), (154, "199"))],
        *_FILLER,
    ]
    (table,) = tables(await read(converter, pdf(marks)))

    assert table.header == ("Machine", "New", "Second")
    assert table.rows == (("Fell 40", "129", "89"), ("Rill 54", "289", "199"))
    assert table.page == 1


async def test_a_table_without_rules_is_found_by_its_columns(converter: DoclingConverter) -> None:
    rows = [("Plan", "Price", "Users"), ("Basic", "9 euros", "10"), ("Pro", "19 euros", "50")]
    marks: list[Mark] = [
        Text(x, 100 + 16 * i, cell)
        for i, row in enumerate(rows)
        for x, cell in zip((60, 200, 320), row, strict=True)
    ]
    (table,) = tables(await read(converter, pdf([*marks, *_FILLER])))

    assert (table.header, *table.rows) == tuple(rows)


async def test_a_table_goes_on_over_the_page_break(converter: DoclingConverter) -> None:
    def page(top: float, names: list[str]) -> list[Mark]:
        ys = [top + 20 * i for i in range(len(names) + 1)]
        first: list[Mark] = [Text(65, y + 14, n) for y, n in zip(ys, names, strict=False)]
        second: list[Mark] = [Text(205, y + 14, f"{n}!") for y, n in zip(ys, names, strict=False)]
        return [*grid([60, 200, 300], ys), *first, *second]

    first, second = page(600, ["Head", "one", "two"]), page(100, ["Head", "three"])
    (table,) = tables(await read(converter, pdf([*_FILLER, *first], second)))

    assert table.header == ("Head", "Head!")
    assert [row[0] for row in table.rows] == ["one", "two", "three"]


async def test_bullets_become_one_list(converter: DoclingConverter) -> None:
    marks: list[Mark] = [
        *_FILLER,
        Text(60, 400, "•"),
        Text(78, 400, "Every machine comes with a key"),
        Text(78, 413, "and a drawing"),
        Text(60, 426, "• Delivery is free"),
    ]
    structure = await read(converter, pdf(marks))

    lists = [block for block in structure.blocks if isinstance(block, BulletList)]
    assert [items.items for items in lists] == [
        ("Every machine comes with a key and a drawing", "Delivery is free")
    ]


async def test_repeated_headers_footers_and_page_numbers_are_dropped(
    converter: DoclingConverter,
) -> None:
    pages = [
        [
            Text(60, 30, "Larkfell product sheet", 8),
            *paragraph(60, 100 + i, [f"What page {i} says."]),
            Text(60, 815, "Confidential", 8),
            Text(500, 815, f"Page {i} of 3", 8),
        ]
        for i in (1, 2, 3)
    ]
    structure = await read(converter, pdf(*pages))

    assert [(block.page, block) for block in structure.blocks] == [
        (i, Paragraph(text=f"What page {i} says.", page=i)) for i in (1, 2, 3)
    ]
    assert structure.page_count == 3


async def test_a_paragraph_goes_on_over_the_page_break(converter: DoclingConverter) -> None:
    first = paragraph(60, 700, ["The warranty belongs to the machine"])
    second = paragraph(60, 100, ["and passes to the next owner."])
    structure = await read(converter, pdf(first, second))

    assert structure.blocks == (
        Paragraph(text="The warranty belongs to the machine and passes to the next owner.", page=1),
    )


async def test_pictures_are_noted_where_they_stand(converter: DoclingConverter) -> None:
    marks: list[Mark] = [Text(60, 60, "Before."), Image(60, 100), Text(60, 260, "After.")]
    structure = await read(converter, pdf(marks))

    assert structure.blocks == (
        Paragraph(text="Before.", page=1),
        Picture(page=1),
        Paragraph(text="After.", page=1),
    )


async def test_a_scan_without_text_says_that_it_needs_text_recognition(
    converter: DoclingConverter,
) -> None:
    with pytest.raises(DocumentUnreadable, match="text recognition"):
        await read(converter, pdf([Image(60, 100, 300)]))


async def test_a_locked_pdf_says_so(converter: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable, match="protected with a password"):
        await read(converter, pdf(_FILLER, encrypted=True))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
async def test_a_pdf_cut_off_says_so(converter: DoclingConverter, kept: float) -> None:
    content = pdf(_FILLER)

    with pytest.raises(DocumentUnreadable, match="cut off"):
        await read(converter, content[: int(len(content) * kept)])


async def test_garbage_named_as_pdf_is_refused(converter: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable, match="damaged"):
        await read(converter, b"%PDF-1.7\n" + b"garbage " * 100 + b"%%EOF")
    with pytest.raises(DocumentUnreadable, match="not a PDF"):
        await read(converter, b"<html>")


async def test_a_pdf_with_too_many_pages_says_how_many(converter: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable, match="1,001 pages"):
        await read(converter, pdf(*[[] for _ in range(1001)]))


async def test_a_page_the_size_of_a_house_is_refused(converter: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable, match="larger than any sheet"):
        await read(converter, pdf(_FILLER, page_size=2_000_000))


async def test_the_example_product_sheet_reads_well(converter: DoclingConverter) -> None:
    structure = await read(converter, (_EXAMPLES / "product-sheet.pdf").read_bytes())

    assert structure.title == "Larkfell product sheet"
    assert structure.page_count == 3
    assert (2, "Technical data") in headings(structure)
    assert len(tables(structure)) == 5
    assert not any("Page 1 of 3" in text for text in texts(structure))
