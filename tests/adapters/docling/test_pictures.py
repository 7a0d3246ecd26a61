"""What pictures in documents show comes out small and of our own making; ornaments do not."""

from io import BytesIO

import docx
import openpyxl  # type: ignore[import-untyped]  # publishes no types
import pptx
import pytest
from openpyxl.drawing.image import (  # type: ignore[import-untyped]  # publishes no types
    Image as SheetImage,
)
from PIL import Image
from pptx.util import Inches

from adapters.docling import DoclingConverter
from adapters.docling.reading import DoclingReader
from adapters.docling.refusal import Refused
from adapters.docling.shrinking import LONGEST_SIDE, Shrinker
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, Heading, Picture
from fixtures.photos import CAT, COFFEE, ROCKET, encoded, plain


@pytest.fixture(scope="module")
def reader() -> DoclingReader:
    return DoclingReader()


def two_colours() -> bytes:
    logo = Image.new("RGB", (120, 90), "red")
    logo.paste("blue", (0, 0, 60, 90))
    return encoded(logo, "PNG")


def deck() -> bytes:
    """Four slides with a logo on each; the third has a photograph beside it and no words."""
    made = pptx.Presentation()
    for number in range(4):
        layout = made.slide_layouts[6 if number else 5]
        slide = made.slides.add_slide(layout)
        if not number:
            slide.shapes.title.text = "Prices"
        slide.shapes.add_picture(BytesIO(two_colours()), 0, 0, Inches(1))
        if number == 2:
            slide.shapes.add_picture(BytesIO(CAT), 0, 0, Inches(5))
    return saved(made)


def with_a_fraction_for_a_place() -> bytes:
    """A TIFF that says where its pixels begin by a kind of number that decoders do not expect."""
    whole = encoded(Image.open(BytesIO(CAT)), "TIFF")
    strips = (273).to_bytes(2, "little")
    long, fraction = (4).to_bytes(2, "little"), (5).to_bytes(2, "little")
    return whole.replace(strips + long, strips + fraction)


def saved(document: object) -> bytes:
    out = BytesIO()
    save = getattr(document, "save")  # noqa: B009 - of three libraries
    save(out)
    return out.getvalue()


def pictures(structure: DocumentStructure) -> list[Picture]:
    return [block for block in structure.blocks if isinstance(block, Picture)]


def alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures show the same, small differences aside."""
    small = [Image.open(BytesIO(p)).convert("L").resize((16, 16)).tobytes() for p in (one, other)]
    one_side, other_side = small
    return sum(abs(a - b) for a, b in zip(one_side, other_side, strict=True)) < 12 * 256


def test_a_slide_of_nothing_but_a_picture_is_named_and_a_logo_left_out(
    reader: DoclingReader,
) -> None:
    structure = reader.read("deck.pptx", MediaType.PPTX, deck())
    heading, photo = structure.blocks[-2:]
    assert structure.blocks[0] == Heading(text="Prices", level=1, page=1)
    assert heading == Heading(text="Slide 3", level=1, page=3)
    assert isinstance(photo, Picture)
    assert (photo.caption, photo.page) == ("Picture on slide 3 of Prices", 3)
    assert alike(photo.image, CAT)
    assert pictures(structure) == [photo]


def test_pictures_of_other_formats_show_what_they_show(reader: DoclingReader) -> None:
    letter = docx.Document()
    letter.add_paragraph("Hello.")
    letter.add_picture(BytesIO(COFFEE))
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    book.active.add_image(SheetImage(BytesIO(ROCKET)), "C3")
    page = BytesIO()
    Image.open(BytesIO(CAT)).save(page, "PDF")
    for media_type, content, shown in (
        (MediaType.DOCX, saved(letter), COFFEE),
        (MediaType.XLSX, saved(book), ROCKET),
        (MediaType.PDF, page.getvalue(), CAT),
        (MediaType.JPEG, CAT, CAT),
    ):
        (picture,) = pictures(reader.read("a", media_type, content))
        assert alike(picture.image, shown), media_type


def test_a_picture_of_writing_is_not_taken_for_a_photograph(reader: DoclingReader) -> None:
    sheet = Image.new("RGB", (400, 400), "white")
    sheet.paste("black", (40, 40, 100, 60))
    with pytest.raises(Refused, match="no text"):
        reader.read("a.pdf", MediaType.PDF, encoded(sheet, "PDF"))


def test_copies_are_small_and_carry_nothing_along() -> None:
    large = Image.open(BytesIO(CAT)).resize((3000, 2000))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret words"
    out = BytesIO()
    large.save(out, "JPEG", exif=exif)
    copy = Shrinker().of_file(out.getvalue())
    with Image.open(BytesIO(copy)) as opened:
        assert max(opened.size) == LONGEST_SIDE
        assert opened.height > opened.width
        assert not opened.getexif()
    assert b"secret" not in copy


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", CAT[:500], plain("red"), plain("red", (8, 8)), plain("red", (900, 20))],
)
def test_ornaments_and_broken_files_have_no_copy(content: bytes) -> None:
    assert Shrinker().of_file(content) == b""


def test_a_picture_that_breaks_its_decoder_leaves_the_others_as_they_are() -> None:
    shrinker = Shrinker()
    assert shrinker.of_file(with_a_fraction_for_a_place()) == b""
    assert shrinker.of_file(CAT)


def test_a_document_gets_so_much_time_for_its_pictures() -> None:
    shrinker = Shrinker(seconds=1e-9)
    assert shrinker.of_file(CAT)
    assert shrinker.is_spent
    assert shrinker.of_file(COFFEE) == b""
    assert shrinker.of_file(CAT)


async def test_a_picture_is_made_small_in_the_child(converter: DoclingConverter) -> None:
    assert alike(await converter.small(CAT), CAT)
    with pytest.raises(DocumentUnreadable, match="no PNG or JPEG or WEBP"):
        await converter.small(b"no picture")
