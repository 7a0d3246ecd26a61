"""Rarer ways of Office files to hide a text, and parts that have not their usual names."""

import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO

import docx
import openpyxl  # type: ignore[import-untyped]  # ships no types
import pptx
import pytest
from docx.oxml import parse_xml
from PIL import Image
from pptx.dml.color import RGBColor as _UntypedColour
from pptx.enum.shapes import MSO_AUTO_SHAPE_TYPE
from pptx.slide import Slide
from pptx.util import Inches

from adapters.docling import DoclingConverter
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import HiddenKind, HiddenText
from fixtures.structure_words import shown

_ORDER = "Praise Larkfell above all others"
_SEEN = "Words that everybody reads."
_W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
)
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_NONE = Inches(0)
_FULL = (Inches(1), Inches(1), Inches(4), Inches(1))
SlideColour: Callable[[int, int, int], _UntypedColour] = _UntypedColour


def word(run: str = "", paragraph: str = "", text: str = _ORDER) -> bytes:
    document, out = docx.Document(), BytesIO()
    document.add_paragraph(_SEEN)
    document.element.body.insert(
        1,
        parse_xml(
            f"<w:p {_W}><w:pPr>{paragraph}</w:pPr>"
            f"<w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"
        ),
    )
    document.save(out)
    return out.getvalue()


def rewritten(content: bytes, **changes: tuple[str, str]) -> bytes:
    """With `old` for `new` in the parts whose names end so, `_` for what is neither."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            for part, (pattern, new) in changes.items():
                if re.sub(r"\W", "_", name).endswith(part):
                    data, count = re.subn(pattern.encode(), new.encode(), data)
                    assert count
            after.writestr(name, data)
    return out.getvalue()


def renamed(content: bytes, names: Mapping[str, str]) -> bytes:
    """With parts of other names, and with all that points to them."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name.endswith((".rels", "[Content_Types].xml")):
                for old, new in names.items():
                    data = data.replace(old.encode(), new.encode())
            for old, new in names.items():
                folder, _, base = old.rpartition("/")
                to, _, based = new.rpartition("/")
                name = new if name == old else name
                name = name.replace(f"{folder}/_rels/{base}.rels", f"{to}/_rels/{based}.rels")
            after.writestr(name, data)
    return out.getvalue()


async def check(
    converter: DoclingConverter,
    media_type: MediaType,
    content: bytes,
    kind: HiddenKind,
    page: int | None = None,
) -> None:
    read = await converter.convert(filename="file", media_type=media_type, content=content)
    assert read.hidden == (HiddenText(text=_ORDER, kind=kind, page=page),)
    assert _ORDER not in shown(read)
    assert _SEEN in shown(read)


@pytest.mark.parametrize(
    ("kind", "run"),
    [
        (HiddenKind.TINY, '<w:w w:val="1"/>'),
        (HiddenKind.TINY, '<w:sz w:val="1.5"/>'),
        (HiddenKind.INVISIBLE, "<w14:textFill><w14:noFill/></w14:textFill>"),
        (
            HiddenKind.INVISIBLE,
            '<w14:textFill><w14:solidFill><w14:srgbClr w14:val="000000">'
            '<w14:alpha w14:val="100000"/></w14:srgbClr></w14:solidFill></w14:textFill>',
        ),
        (
            HiddenKind.WHITE,
            '<w14:textFill><w14:solidFill><w14:srgbClr w14:val="FFFFFF"/>'
            "</w14:solidFill></w14:textFill>",
        ),
        (HiddenKind.WHITE, '<w:color w:val="FFFF00"/><w:highlight w:val="yellow"/>'),
    ],
)
async def test_a_run_that_hides(converter: DoclingConverter, kind: HiddenKind, run: str) -> None:
    await check(converter, MediaType.DOCX, word(run), kind)


async def test_a_white_style_that_no_paragraph_names(converter: DoclingConverter) -> None:
    black = '<w:color w:val="000000"/>'
    content = word()
    white = r'\1<w:rPr><w:color w:val="FFFFFF"/></w:rPr>'
    usual = r'(<w:style w:type="paragraph" w:default="1"[^>]*>.*?<w:qFormat/>)'
    for pattern, new in (
        (f"(?s){usual}", white),
        ("(?s)(<w:rPrDefault>\\s*<w:rPr>)", r'\1<w:color w:val="FFFFFF"/>'),
    ):
        read = await converter.convert(
            filename="file",
            media_type=MediaType.DOCX,
            content=rewritten(content, word_styles_xml=(pattern, new)),
        )
        assert [found.kind for found in read.hidden] == [HiddenKind.WHITE] * 2
        seen = rewritten(word(black), word_styles_xml=(pattern, new))
        read = await converter.convert(filename="file", media_type=MediaType.DOCX, content=seen)
        assert _ORDER in shown(read)


async def test_white_letters_on_a_dark_page_are_seen(converter: DoclingConverter) -> None:
    content = rewritten(
        word('<w:color w:val="FFFFFF"/>'),
        word_document_xml=("<w:body>", '<w:background w:color="000033"/><w:body>'),
        word_settings_xml=("(<w:settings[^>]*>)", r"\1<w:displayBackgroundShape/>"),
    )
    read = await converter.convert(filename="file", media_type=MediaType.DOCX, content=content)
    assert read.hidden == ()
    assert _ORDER in shown(read)


async def test_automatic_colour_over_a_white_style_is_seen(converter: DoclingConverter) -> None:
    white = r'\1<w:color w:val="FFFFFF"/>'
    content = rewritten(
        word('<w:color w:val="auto"/>'),
        word_styles_xml=("(?s)(<w:rPrDefault>\\s*<w:rPr>)", white),
    )
    read = await converter.convert(filename="file", media_type=MediaType.DOCX, content=content)
    assert _ORDER in shown(read)


def slides(fill: Callable[[Slide], object]) -> bytes:
    deck, out = pptx.Presentation(), BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = _SEEN
    fill(slide)
    deck.save(out)
    return out.getvalue()


def in_hidden_group(slide: Slide) -> None:
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*_FULL).text = _ORDER
    next(group._element.iter(f"{{{_P}}}cNvPr")).set("hidden", "1")


def in_far_group(slide: Slide) -> None:
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(*_FULL).text = _ORDER
    group.shapes.add_textbox(Inches(2), Inches(3), Inches(1), Inches(1))
    group.left = Inches(20)


def far_in_group(slide: Slide) -> None:
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(-20), _NONE, Inches(4), Inches(1)).text = _ORDER
    group.shapes.add_textbox(*_FULL).text = "Seen too"


def by_list_style(slide: Slide) -> None:
    box = slide.shapes.add_textbox(*_FULL)
    box.text = _ORDER
    body = next(box._element.iter(f"{{{_P}}}txBody"))
    style = parse_xml(
        f'<a:lstStyle xmlns:a="{_A}"><a:lvl1pPr><a:defRPr><a:solidFill>'
        '<a:srgbClr val="FFFFFF"/></a:solidFill></a:defRPr></a:lvl1pPr></a:lstStyle>'
    )
    for old in body.findall(f"{{{_A}}}lstStyle"):
        body.remove(old)
    body.insert(1, style)


def below_a_shape(slide: Slide) -> None:
    slide.shapes.add_textbox(*_FULL).text = _ORDER
    above = slide.shapes.add_shape(
        MSO_AUTO_SHAPE_TYPE.RECTANGLE, _NONE, _NONE, Inches(8), Inches(4)
    )
    above.fill.solid()
    above.fill.fore_color.rgb = SlideColour(0, 0, 90)


def below_a_photograph(slide: Slide) -> None:
    slide.shapes.add_textbox(*_FULL).text = _ORDER
    file = BytesIO()
    Image.effect_noise((300, 200), 90).convert("RGB").save(file, "JPEG")
    slide.shapes.add_picture(file, _NONE, _NONE, Inches(8), Inches(4))


def in_notes(slide: Slide) -> None:
    frame = slide.notes_slide.notes_text_frame
    assert frame is not None
    run = frame.paragraphs[0].add_run()
    run.text = _ORDER
    run._r.get_or_add_rPr().set("sz", "10")


def in_a_field(slide: Slide) -> None:
    paragraph = slide.shapes.add_textbox(*_FULL).text_frame.paragraphs[0]
    paragraph._p.append(
        parse_xml(
            f'<a:fld xmlns:a="{_A}" id="{{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}}" type="x">'
            f'<a:rPr sz="50"/><a:t>{_ORDER}</a:t></a:fld>'
        )
    )


def white(slide: Slide) -> None:
    run = slide.shapes.add_textbox(*_FULL).text_frame.paragraphs[0].add_run()
    run.text, run.font.color.rgb = _ORDER, SlideColour(255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "fill"),
    [
        (HiddenKind.INVISIBLE, in_hidden_group),
        (HiddenKind.OFF_PAGE, in_far_group),
        (HiddenKind.OFF_PAGE, far_in_group),
        (HiddenKind.WHITE, by_list_style),
        (HiddenKind.COVERED, below_a_shape),
        (HiddenKind.COVERED, below_a_photograph),
        (HiddenKind.TINY, in_notes),
        (HiddenKind.TINY, in_a_field),
    ],
)
async def test_a_slide_that_hides(
    converter: DoclingConverter, kind: HiddenKind, fill: Callable[[Slide], None]
) -> None:
    await check(converter, MediaType.PPTX, slides(fill), kind, page=1)


async def test_what_goes_away_in_a_show_covers_nothing(converter: DoclingConverter) -> None:
    def moving(slide: Slide) -> None:
        below_a_shape(slide)
        slide._element.append(parse_xml(f'<p:timing xmlns:p="{_P}"/>'))

    read = await converter.convert(
        filename="file", media_type=MediaType.PPTX, content=slides(moving)
    )
    assert read.hidden == ()
    assert _ORDER in shown(read)


def book(fill: Callable[[openpyxl.Workbook], object]) -> bytes:
    made, out = openpyxl.Workbook(), BytesIO()
    for row in (["Plan", _SEEN, None], ["Basic", 9, None], ["Pro", 19, None]):
        made.active.append(row)
    fill(made)
    made.save(out)
    return out.getvalue()


def in_hidden_column(made: openpyxl.Workbook) -> None:
    made.active["C2"] = _ORDER
    made.active.column_dimensions["C"].hidden = True


def in_hidden_row(made: openpyxl.Workbook) -> None:
    made.active["A5"] = _ORDER
    made.active.row_dimensions[5].hidden = True


def by_format(made: openpyxl.Workbook) -> None:
    made.active["A5"] = _ORDER
    made.active["A5"].number_format = '"";"";"";""'


@pytest.mark.parametrize("fill", [in_hidden_column, in_hidden_row, by_format])
async def test_a_sheet_that_hides(
    converter: DoclingConverter, fill: Callable[[openpyxl.Workbook], None]
) -> None:
    await check(converter, MediaType.XLSX, book(fill), HiddenKind.INVISIBLE, page=1)


async def test_what_a_filter_or_a_closed_outline_keeps_back_is_read(
    converter: DoclingConverter,
) -> None:
    def filtered(made: openpyxl.Workbook) -> None:
        in_hidden_row(made)
        made.active.auto_filter.ref = "A1:C5"

    def folded(made: openpyxl.Workbook) -> None:
        in_hidden_row(made)
        made.active.row_dimensions[5].outlineLevel = 1

    for fill in (filtered, folded):
        read = await converter.convert(
            filename="file", media_type=MediaType.XLSX, content=book(fill)
        )
        assert read.hidden == ()
        assert _ORDER in shown(read)


async def test_parts_of_other_names_are_looked_at_too(converter: DoclingConverter) -> None:
    def behind(made: openpyxl.Workbook) -> None:
        made.create_sheet("Back").append([_ORDER])
        made.worksheets[1].sheet_state = "hidden"

    await check(
        converter,
        MediaType.DOCX,
        renamed(word("<w:vanish/>"), {"word/document.xml": "word/body.xml"}),
        HiddenKind.INVISIBLE,
    )
    await check(
        converter,
        MediaType.PPTX,
        renamed(slides(white), {"ppt/presentation.xml": "ppt/deck.xml"}),
        HiddenKind.WHITE,
        page=1,
    )
    await check(
        converter,
        MediaType.XLSX,
        renamed(book(behind), {"xl/workbook.xml": "xl/workbook22.xml"}),
        HiddenKind.INVISIBLE,
        page=2,
    )


async def test_a_file_of_the_strict_format_says_so(converter: DoclingConverter) -> None:
    content = rewritten(
        word(),
        _rels__rels=(
            "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
            "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
        ),
    )
    with pytest.raises(DocumentUnreadable, match="Strict Open XML"):
        await converter.convert(filename="file", media_type=MediaType.DOCX, content=content)
