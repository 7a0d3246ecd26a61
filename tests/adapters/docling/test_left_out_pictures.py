"""A picture that cannot be looked at is left out and told, with the reason; the text is read."""

import zlib
from collections.abc import Callable
from io import BytesIO

import docx
import openpyxl  # type: ignore[import-untyped]  # publishes no types
import pptx
import pytest
from openpyxl.drawing.image import (  # type: ignore[import-untyped]  # publishes no types
    Image as SheetImage,
)
from PIL import Image, UnidentifiedImageError
from pptx.util import Inches

from adapters.docling.picture_formats import open_no_others
from adapters.docling.reading import DoclingReader
from adapters.docling.refusal import Refused
from adapters.docling.shrinking import Shrinker
from domain.documents.converted_text import converted_text
from domain.documents.media import MediaType
from domain.documents.structure import Picture
from fixtures.photos import CAT, COFFEE, ROCKET, encoded
from fixtures.strange_pictures import OTHER_KINDS, gigapixels, with_pictures_swapped


@pytest.fixture(scope="module")
def reader() -> DoclingReader:
    return DoclingReader()


def deck() -> bytes:
    made = pptx.Presentation()
    for photo in (CAT, COFFEE):
        slide = made.slides.add_slide(made.slide_layouts[5])
        slide.shapes.title.text = "Our prices"
        slide.shapes.add_picture(BytesIO(photo), 0, Inches(2), Inches(3))
    return saved(made.save)


def letter() -> bytes:
    made = docx.Document()
    made.add_paragraph("Our prices")
    for photo in (CAT, COFFEE):
        made.add_picture(BytesIO(photo))
    return saved(made.save)


def book() -> bytes:
    made = openpyxl.Workbook()
    made.active["A1"] = "Our prices"
    for place, photo in (("C3", CAT), ("C30", COFFEE)):
        made.active.add_image(SheetImage(BytesIO(photo)), place)
    return saved(made.save)


def saved(save: Callable[[BytesIO], None]) -> bytes:
    out = BytesIO()
    save(out)
    return out.getvalue()


def pdf_with_picture(side: int) -> bytes:
    """One page of words and a picture of so many black or white pixels a side."""
    rows = zlib.compress(bytes((side + 7) // 8 * side), 9)
    words = b"BT /F 12 Tf 60 760 Td (Our prices) Tj ET q 300 0 0 300 60 300 cm /I Do Q"
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R"
        b"/Resources<</XObject<</I 4 0 R>>/Font<</F 6 0 R>>>>>>",
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1"
        b"/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (side, side, len(rows), rows),
        b"<</Length %d>>stream\n%b\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + (
        b"xref\n0 7\n0000000000 65535 f \n%btrailer<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(made))
    )


_FILES = [
    (MediaType.PPTX, deck(), "picture 1 on slide 1"),
    (MediaType.DOCX, letter(), "picture 1"),
    (MediaType.XLSX, book(), "picture 1 on sheet 1"),
]
_BAD = [
    (gigapixels(), "too many pixels", " (40,000 x 40,000)"),
    (ROCKET[: len(ROCKET) // 2], "damaged or were cut off", ""),
    (OTHER_KINDS["PSD"], "none of PNG, JPEG, WEBP, GIF, BMP, TIFF", ""),
    (b"", "they are damaged", ""),
]


@pytest.mark.parametrize(("media_type", "content", "place"), _FILES, ids=["pptx", "docx", "xlsx"])
@pytest.mark.parametrize(("bad", "why", "more"), _BAD, ids=["vast", "cut", "psd", "empty"])
def test_one_bad_picture_is_left_out_and_the_rest_is_read(
    reader: DoclingReader,
    media_type: MediaType,
    content: bytes,
    place: str,
    bad: bytes,
    why: str,
    more: str,
) -> None:
    structure = reader.read("a", media_type, with_pictures_swapped(content, bad))

    (warning,) = structure.warnings
    assert why in warning
    assert warning.endswith(f": {place}{more}")
    assert "Our prices" in converted_text(structure)
    left, kept = [block for block in structure.blocks if isinstance(block, Picture)]
    assert left.image == b""
    assert kept.image


def test_a_vast_picture_in_a_pdf_is_left_out_and_the_text_read(reader: DoclingReader) -> None:
    structure = reader.read("a.pdf", MediaType.PDF, pdf_with_picture(40_000))

    (warning,) = structure.warnings
    assert warning.endswith("picture 1 on page 1 (40,000 x 40,000)")
    assert "Our prices" in converted_text(structure)
    assert [b.image for b in structure.blocks if isinstance(b, Picture)] == [b""]
    assert reader.read("a.pdf", MediaType.PDF, pdf_with_picture(400)).warnings == ()


def test_a_file_of_nothing_but_a_bad_picture_is_refused_with_its_reason(
    reader: DoclingReader,
) -> None:
    made = docx.Document()
    made.add_picture(BytesIO(CAT))
    with pytest.raises(Refused, match=r"no text.*too many pixels.*picture 1"):
        reader.read("a", MediaType.DOCX, with_pictures_swapped(saved(made.save), gigapixels()))


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_pictures_of_other_kinds_are_refused_whatever_they_are_called(
    reader: DoclingReader, kind: str
) -> None:
    content = OTHER_KINDS[kind]
    assert Image.open(BytesIO(content)).format == kind
    for media_type in (MediaType.PNG, MediaType.JPEG, MediaType.WEBP):
        with pytest.raises(Refused, match=f"no {media_type.name} picture"):
            reader.read("a.png", media_type, content)
    shrinker = Shrinker()
    assert shrinker.of_file(content) == b""
    assert "none of PNG" in shrinker.warnings[0]


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PNG", "WEBP"])
def test_what_office_files_carry_is_looked_at(kind: str) -> None:
    with Image.open(BytesIO(CAT)) as photo:
        assert Shrinker().of_file(encoded(photo, kind))


def test_no_library_of_the_child_opens_more(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Image.open
    monkeypatch.setattr(Image, "open", before)
    open_no_others()

    assert Image.open(BytesIO(CAT)).format == "JPEG"
    assert Image.open(BytesIO(CAT), formats=["JPEG", "PSD"]).format == "JPEG"
    for content in (*OTHER_KINDS.values(), gigapixels()):
        with pytest.raises(UnidentifiedImageError):
            Image.open(BytesIO(content))
        with pytest.raises(UnidentifiedImageError):
            Image.open(BytesIO(content), formats=["PSD", "FITS", "EPS", "PNG"])


def test_a_large_picture_with_transparent_parts_stands_on_white() -> None:
    layer = Image.new("RGBA", (4000, 3000), (0, 0, 0, 0))
    layer.paste((255, 0, 0, 255), (0, 0, 2000, 3000))
    with Image.open(BytesIO(Shrinker().of_file(encoded(layer, "PNG")))) as copy:
        right = copy.convert("RGB").getpixel((500, 200))
    assert right == (255, 255, 255)


def test_many_left_out_are_told_in_a_line_that_ends() -> None:
    shrinker = Shrinker(unit="slide")
    for number in range(100):
        shrinker.of_file(b"broken %d" % number, page=number + 1)
    (warning,) = shrinker.warnings
    assert warning.endswith("picture 1 on slide 20 and 80 more")


def test_switched_off_it_looks_at_nothing_and_says_nothing() -> None:
    told: list[str] = []
    shrinker = Shrinker(is_on=False, tell=told.append)
    assert shrinker.of_file(CAT) == b""
    assert (shrinker.warnings, told) == ((), [])
