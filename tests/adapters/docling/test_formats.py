from io import BytesIO
from pathlib import Path

import docx
import openpyxl  # type: ignore[import-untyped]  # ships no types
import pptx
import pytest
from PIL import Image
from pptx.util import Inches

from adapters.docling import DoclingConverter
from domain.documents.media import MediaType, media_type_of
from domain.documents.structure import (
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)

_EXAMPLES = Path(__file__).parents[3] / "examples"
_READABLE = sorted(
    path
    for path in _EXAMPLES.rglob("*")
    if path.suffix in {".md", ".html", ".csv", ".pdf", ".docx", ".pptx", ".xlsx"}
    and "hostile" not in path.parts
)


async def read(
    converter: DoclingConverter, media_type: MediaType, content: bytes, name: str = "file"
) -> DocumentStructure:
    return await converter.convert(filename=name, media_type=media_type, content=content)


def picture() -> BytesIO:
    out = BytesIO()
    Image.new("RGB", (40, 40)).save(out, "png")
    out.seek(0)
    return out


async def test_markdown(converter: DoclingConverter) -> None:
    text = b"""# Guide

Intro *with emphasis*, and `code`.

- a
  - b

1. one

## Prices

| Plan | Price |
|---|---|
| Basic | 9 |
"""
    structure = await read(converter, MediaType.MARKDOWN, text, "guide.md")

    assert structure.title == "Guide"
    assert structure.blocks == (
        Heading(text="Guide", level=1),
        Paragraph(text="Intro with emphasis, and code."),
        BulletList(items=("a", "  b")),
        BulletList(items=("1. one",)),
        Heading(text="Prices", level=2),
        Table(header=("Plan", "Price"), rows=(("Basic", "9"),)),
    )


async def test_html_without_its_clutter(converter: DoclingConverter) -> None:
    page = """<html><head><title>Acme &amp; Söhne</title><script>var x = 1</script></head><body>
      <nav><ul><li><a href="/">Home</a></li></ul></nav><p>Before the heading</p>
      <h1>Lamp</h1><p>Good <b>lamp</b> and <a href="x">link</a>.</p>
      <figure><img src="a.png" alt="A lamp"><figcaption>On a desk</figcaption></figure>
      <table><caption>Prices</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr>
      </table><button>Buy</button><footer>Imprint</footer></body></html>"""
    structure = await read(converter, MediaType.HTML, page.encode())

    assert structure.title == "Acme & Söhne"
    assert structure.blocks == (
        Paragraph(text="Before the heading"),
        Heading(text="Lamp", level=1),
        Paragraph(text="Good lamp and link."),
        Picture(caption="On a desk"),
        Table(header=("A", "B"), rows=(("1", "2"),), caption="Prices"),
    )


async def test_docx(converter: DoclingConverter) -> None:
    document = docx.Document()
    document.add_heading("Brand guide", 0)
    document.add_heading("Voice", 1)
    document.add_paragraph("We are warm.")
    document.add_paragraph("One", style="List Bullet")
    document.add_paragraph("Two", style="List Bullet")
    document.add_paragraph("Table 1: prices", style="Caption")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Plan", "Price", "Basic", "9"), strict=True):
        cell.paragraphs[0].add_run(text).bold = True
    document.add_picture(picture())
    document.inline_shapes[0]._inline.docPr.set("descr", "Our logo")
    document.sections[0].footer.paragraphs[0].text = "Confidential"
    out = BytesIO()
    document.save(out)

    structure = await read(converter, MediaType.DOCX, out.getvalue())

    assert structure.title == "Brand guide"
    assert structure.blocks == (
        Heading(text="Brand guide", level=1),
        Heading(text="Voice", level=2),
        Paragraph(text="We are warm."),
        BulletList(items=("One", "Two")),
        Table(header=("Plan", "Price"), rows=(("Basic", "9"),), caption="Table 1: prices"),
        Picture(caption="Our logo"),
    )


async def test_pptx_with_notes_and_picture_texts(converter: DoclingConverter) -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text, first.placeholders[1].text = "Launch", "For partners"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    described = second.shapes.add_picture(picture(), 0, 0, Inches(1))
    described._element._nvXxPr.cNvPr.set("descr", "A lamp on a desk")
    second.shapes.title.text, second.placeholders[1].text = "Agenda", "One\nTwo"
    second.notes_slide.notes_text_frame.text = "Say hello.\nSmile."
    deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(0, 0, 99, 99).text = "Bye"
    out = BytesIO()
    deck.save(out)

    structure = await read(converter, MediaType.PPTX, out.getvalue())

    assert (structure.title, structure.page_count) == ("Launch", 3)
    assert structure.blocks == (
        Heading(text="Launch", level=1, page=1),
        Paragraph(text="For partners", page=1),
        Heading(text="Agenda", level=1, page=2),
        BulletList(items=("One", "Two"), page=2),
        Paragraph(text="Speaker notes: Say hello. Smile.", page=2),
        Picture(caption="A lamp on a desk", page=2),
        Heading(text="Slide 3", level=1, page=3),
        Paragraph(text="Bye", page=3),
    )


async def test_footers_of_slides_are_dropped(converter: DoclingConverter) -> None:
    deck = pptx.Presentation()
    for number in range(1, 5):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Title {number}"
        slide.shapes.add_textbox(0, 0, 99, 99).text = f"Acme, autumn 2026 | {number}"
    out = BytesIO()
    deck.save(out)

    structure = await read(converter, MediaType.PPTX, out.getvalue())

    assert all(isinstance(block, Heading) for block in structure.blocks)


async def test_xlsx_by_sheet(converter: DoclingConverter) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Prices"
    workbook.active.append(["Plan", "Price"])
    workbook.active.append(["Basic", 9])
    workbook.create_sheet("Empty")
    workbook.create_sheet("Terms").append(["Valid until May"])
    out = BytesIO()
    workbook.save(out)

    structure = await read(converter, MediaType.XLSX, out.getvalue(), "price-list.xlsx")

    assert (structure.title, structure.page_count) == ("price-list", 3)
    assert structure.blocks == (
        Heading(text="Prices", level=1, page=1),
        Table(header=("Plan", "Price"), rows=(("Basic", "9"),), page=1),
        Heading(text="Terms", level=1, page=3),
        Paragraph(text="Valid until May", page=3),
    )


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
async def test_csv_with_any_separator(converter: DoclingConverter, mark: str) -> None:
    text = f'Plan{mark}Note\nBasic{mark}"a{mark} b"\nPro\n'
    structure = await read(converter, MediaType.CSV, text.encode(), "plans.csv")

    assert structure.title == "plans"
    assert structure.blocks == (
        Table(header=("Plan", "Note"), rows=(("Basic", f"a{mark} b"), ("Pro", ""))),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_text_in_any_common_encoding(converter: DoclingConverter, encoding: str) -> None:
    structure = await read(converter, MediaType.MARKDOWN, "Grüße für 5 €".encode(encoding))

    assert structure.blocks == (Paragraph(text="Grüße für 5 €"),)


@pytest.mark.parametrize("media_type", [MediaType.MARKDOWN, MediaType.TEXT, MediaType.HTML])
async def test_one_bad_byte_spoils_no_other_letter(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    content = "Grüße für 5 €, ".encode() * 20 + b"\xff. " + "Schöne Tür".encode()
    structure = await read(converter, media_type, content)

    assert isinstance(structure.blocks[0], Paragraph)
    assert (
        structure.blocks[0].text == "Grüße für 5 €, " * 20 + "\N{REPLACEMENT CHARACTER}. Schöne Tür"
    )


async def test_other_marks_of_a_lines_end_stay_in_their_cell(converter: DoclingConverter) -> None:
    text = "Plan,Note\nBasic,one\u2028two\nPro,three\x0cfour\n"
    structure = await read(converter, MediaType.CSV, text.encode())

    (table,) = structure.blocks
    assert isinstance(table, Table)
    assert table.rows == (("Basic", "one\u2028two"), ("Pro", "three\x0cfour"))


@pytest.mark.parametrize("path", _READABLE, ids=lambda path: path.name)
async def test_every_example_is_read(converter: DoclingConverter, path: Path) -> None:
    content = path.read_bytes()
    structure = await read(converter, media_type_of(path.name, content), content, path.name)

    assert structure.title
    assert len(structure.blocks) >= 1
    assert structure.warnings == ()
