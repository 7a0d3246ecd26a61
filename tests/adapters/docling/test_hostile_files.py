import contextlib
import struct
import time
import zipfile
from io import BytesIO

import docx
import openpyxl  # type: ignore[import-untyped]  # ships no types
import pytest

from adapters.docling import DoclingConverter
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType


async def refused(converter: DoclingConverter, media_type: MediaType, content: bytes) -> str:
    """The refusal's message; the converter must read the next file as if nothing happened."""
    with pytest.raises(DocumentUnreadable) as raised:
        await converter.convert(filename="file", media_type=media_type, content=content)
    after = await converter.convert(
        filename="next.md", media_type=MediaType.MARKDOWN, content=b"# Next"
    )
    assert after.title == "Next"
    return raised.value.message


def archive(**entries: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in entries.items():
            packed.writestr(name, data)
    return out.getvalue()


def workbook(*cells: str) -> bytes:
    book, out = openpyxl.Workbook(), BytesIO()
    for cell in cells:
        book.active[cell] = "x"
    book.save(out)
    return out.getvalue()


def word_document() -> bytes:
    document, out = docx.Document(), BytesIO()
    document.add_paragraph("Hello")
    document.save(out)
    return out.getvalue()


async def test_a_zip_bomb_is_refused(converter: DoclingConverter) -> None:
    bomb = archive(**{"word/document.xml": bytes(300_000_000)})

    assert len(bomb) < 400_000
    assert "unpacks to more than 256 MB" in await refused(converter, MediaType.DOCX, bomb)


async def test_a_zip_bomb_that_lies_about_its_size_is_refused(converter: DoclingConverter) -> None:
    bomb = bytearray(archive(**{"word/document.xml": bytes(2_000_000)}))
    directory = bomb.find(b"PK\x01\x02")
    struct.pack_into("<I", bomb, directory + 24, 100)
    struct.pack_into("<I", bomb, 22, 100)

    assert "damaged" in await refused(converter, MediaType.DOCX, bytes(bomb))


async def test_archives_inside_archives_are_counted_together(converter: DoclingConverter) -> None:
    inner = archive(**{"a": bytes(100_000_000)})
    nested = archive(**{f"word/{i}.docx": inner for i in range(3)})

    assert "unpacks to more than" in await refused(converter, MediaType.DOCX, nested)


async def test_bottomless_archives_are_refused(converter: DoclingConverter) -> None:
    content = archive(a=b"x")
    for _ in range(5):
        content = archive(**{"word/inner.zip": content})

    assert "archives into archives" in await refused(converter, MediaType.DOCX, content)


async def test_entities_in_office_xml_are_refused(converter: DoclingConverter) -> None:
    xml = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    content = archive(**{"word/document.xml": xml})

    assert "entities" in await refused(converter, MediaType.DOCX, content)


async def test_one_far_cell_is_refused_and_named(converter: DoclingConverter) -> None:
    message = await refused(converter, MediaType.XLSX, workbook("A1", "XFD1048576"))

    assert "row 1,048,576, column 16,384" in message


async def test_far_cells_without_a_value_do_no_harm(converter: DoclingConverter) -> None:
    book, out = openpyxl.Workbook(), BytesIO()
    book.active["A1"] = "Only this"
    book.active["ZZ90000"].number_format = "0.00"
    book.save(out)

    structure = await converter.convert(
        filename="a.xlsx", media_type=MediaType.XLSX, content=out.getvalue()
    )
    assert len(structure.blocks) == 2


async def test_a_flood_in_a_sheet_costs_little(converter: DoclingConverter) -> None:
    sheet = b"<worksheet><sheetData><row>" + b"<c " * 500_000
    content = archive(**{"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": sheet})

    assert "damaged" in await refused(converter, MediaType.XLSX, content)


@pytest.mark.parametrize("tag", ["div", "span", "b", "table><tr><td", "ul><li", "blockquote"])
async def test_bottomless_html_is_refused(converter: DoclingConverter, tag: str) -> None:
    page = f"<{tag}>".encode() * 3_000 + b"text"

    assert "deep" in await refused(converter, MediaType.HTML, page)


async def test_paragraphs_that_are_never_closed_are_not_deep(converter: DoclingConverter) -> None:
    structure = await converter.convert(
        filename="old.html", media_type=MediaType.HTML, content=b"<p>One<br>two" * 400
    )
    assert len(structure.blocks) == 400


@pytest.mark.parametrize(
    "content", [b"<a" * 500_000, b"<" * 1_000_000, b"<a " + b"x=1 " * 100_000 + b">x"]
)
async def test_floods_of_markup_cost_little(converter: DoclingConverter, content: bytes) -> None:
    # Whether such a page is refused or read as text does not matter; that it ends soon does.
    started = time.monotonic()
    with contextlib.suppress(DocumentUnreadable):
        await converter.convert(filename="a", media_type=MediaType.HTML, content=content)
    assert time.monotonic() - started < 15


async def test_bottomless_markdown_is_refused(converter: DoclingConverter) -> None:
    assert "deeply" in await refused(converter, MediaType.MARKDOWN, b">" * 5_000 + b" x")


@pytest.mark.parametrize("media_type", [MediaType.DOCX, MediaType.PPTX, MediaType.XLSX])
async def test_office_files_that_are_something_else_are_refused(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    assert "damaged" in await refused(converter, media_type, b"PK\x03\x04" + b"abc" * 100)
    assert "old Office format" in await refused(converter, media_type, b"\xd0\xcf\x11\xe0" * 9)
    other = workbook("A1") if media_type is not MediaType.XLSX else word_document()
    assert "is not a" in await refused(converter, media_type, other)


async def test_a_word_document_cut_off_is_refused(converter: DoclingConverter) -> None:
    content = word_document()

    assert "cut off" in await refused(converter, MediaType.DOCX, content[: len(content) // 2])


@pytest.mark.parametrize("media_type", [MediaType.MARKDOWN, MediaType.HTML, MediaType.CSV])
async def test_a_file_without_text_is_refused(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    assert "no text" in await refused(converter, media_type, b" \n\n ")
