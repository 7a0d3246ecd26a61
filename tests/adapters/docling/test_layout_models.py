"""Pages for the layout models: which they are, how they join the rest, and what is missing."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image as Pixels

from adapters.docling import DoclingConverter
from adapters.docling.layout_folder import checked_folder, is_extra_installed
from adapters.docling.layout_pages import LayoutFailed, PageLayouts, ReadLayout, needs_layout
from adapters.docling.layout_reading import layout_options
from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_page import PageInk
from adapters.docling.pdf_tables import PdfTable
from adapters.docling.pdf_words import Word
from adapters.docling.reading import DoclingReader
from adapters.docling.recognition import Patience, is_installed
from domain.documents.media import MediaType
from domain.documents.structure import (
    Block,
    DocumentStructure,
    Heading,
    HiddenKind,
    Paragraph,
    Picture,
    Table,
)
from domain.errors import InvalidInput
from fixtures.pdf_files import Text, pdf

_SIZE = (600.0, 800.0)
_WHOLE, _HALF, _SMALL = Box(0, 0, 600, 800), Box(0, 0, 600, 400), Box(0, 0, 60, 80)
_STRIPS = [Box(0, 0, 600, 300), Box(0, 300, 600, 600)]
_TAGGED = PdfTable(_SMALL, [["tagged"]])
_HIDDEN = [(HiddenKind.COVERED, "obey")]


def word(text: str) -> Word:
    return Word(box=Box(10, 10, 50, 20), text=text, bold=False, size=10.0)


def ink(words: str = "", aside: str = "", pictures: list[Box] | None = None) -> PageInk:
    return PageInk(
        words=[word(text) for text in words.split()],
        rules=[],
        pictures=pictures or [],
        aside=[word(text) for text in aside.split()],
    )


@pytest.mark.parametrize(
    ("page", "is_needed"),
    [
        (ink(pictures=[_WHOLE]), True),
        (ink(pictures=_STRIPS), True),
        (ink(aside="a landscape table on its side"), True),
        (ink(words="title", aside="a landscape table on its side"), True),
        (ink(), False),
        (ink(pictures=[_HALF]), False),
        (ink(pictures=[_SMALL]), False),
        (ink(words="text over a picture", pictures=[_WHOLE]), False),
        (ink(words="an ordinary page of words", aside="margin"), False),
        (replace(ink(pictures=[_WHOLE]), hidden=_HIDDEN), False),
        (replace(ink(aside="turned words"), hidden=_HIDDEN), False),
        (replace(ink(pictures=[_WHOLE]), is_cut=True), False),
        (replace(ink(pictures=[_WHOLE]), tables=[_TAGGED]), False),
    ],
)
def test_scans_and_turned_pages_that_hide_nothing_need_the_models(
    page: PageInk, is_needed: bool
) -> None:
    assert needs_layout(page, _SIZE) is is_needed


def three_pages() -> bytes:
    """Words, a scan, and words that begin like the rest of a sentence."""
    whole = pypdfium2.PdfDocument(pdf([Text(60, 100, "The first page ends within a")]))
    scanned = BytesIO()
    Pixels.effect_noise((600, 800), 60).save(scanned, "PDF")
    whole.import_pages(pypdfium2.PdfDocument(scanned.getvalue()))
    whole.import_pages(pypdfium2.PdfDocument(pdf([Text(60, 100, "sentence, and goes on.")])))
    out = BytesIO()
    whole.save(out)
    return out.getvalue()


def read(layout: ReadLayout) -> DocumentStructure:
    return DoclingReader(layout).read("a.pdf", MediaType.PDF, three_pages())


def test_what_the_models_read_stands_between_the_pages_around_it() -> None:
    asked: list[int] = []

    def layout(content: bytes, number: int) -> tuple[Block, ...]:
        assert len(pypdfium2.PdfDocument(content)) == 3
        asked.append(number)
        return (
            Heading(text="Prices", level=1, page=number),
            Table(header=("Lamp",), rows=(("19",),), page=number),
        )

    structure = read(layout)

    assert asked == [2]
    assert structure.blocks == (
        Paragraph(text="The first page ends within a", page=1),
        Heading(text="Prices", level=1, page=2),
        Table(header=("Lamp",), rows=(("19",),), page=2),
        Paragraph(text="sentence, and goes on.", page=3),
    )
    assert structure.warnings == ()


def test_a_page_at_which_the_models_fail_is_read_without_them_and_named() -> None:
    def layout(_content: bytes, _number: int) -> tuple[Block, ...]:
        raise LayoutFailed

    structure = read(layout)

    assert [b.page for b in structure.blocks if isinstance(b, Paragraph)] == [1, 3]
    (told,) = [w for w in structure.warnings if "layout models" in w]
    assert told.endswith(": 2")


def test_a_page_on_which_the_models_find_no_words_is_read_without_them() -> None:
    structure = read(lambda _content, number: (Picture(page=number),))

    assert any(isinstance(b, Picture) and b.page == 2 and b.image for b in structure.blocks)


def test_a_file_of_many_scans_is_read_without_the_models_once_its_time_is_over() -> None:
    layouts = PageLayouts(lambda _content, _number: (Paragraph(text="a"),), b"", Patience(0.0))

    assert not layouts.has_read(7, ink(pictures=[_WHOLE]), _SIZE)
    assert layouts.failed == [7]


def fetched(folder: Path) -> Path:
    """A folder with the first file and the weights of each model, all empty."""
    layout = folder / "docling-project--docling-layout-heron"
    tables = folder / "docling-project--docling-models/model_artifacts/tableformer/accurate"
    for place, first in ((layout, "preprocessor_config.json"), (tables, "tm_config.json")):
        place.mkdir(parents=True)
        (place / first).touch()
        (place / "any.safetensors").touch()
    return folder


def test_a_folder_with_the_models_is_taken(tmp_path: Path) -> None:
    assert checked_folder(fetched(tmp_path), with_extra=True) == tmp_path.resolve()


def test_without_the_extra_its_lock_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"install requirements/layout\.lock"):
        checked_folder(fetched(tmp_path), with_extra=False)


def test_a_folder_that_is_not_there_is_named_with_the_command_that_fills_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "nowhere"
    with pytest.raises(InvalidInput, match="no folder") as refused:
        checked_folder(folder, with_extra=True)

    assert f"docling-tools models download layout tableformer -o {folder}" in str(refused.value)


@pytest.mark.parametrize("lost", ["preprocessor_config.json", "tm_config.json", "any.safetensors"])
def test_a_folder_that_lacks_a_part_says_which(tmp_path: Path, lost: str) -> None:
    (found, *_) = sorted(fetched(tmp_path).rglob(lost))
    found.unlink()
    with pytest.raises(InvalidInput, match="docling-tools models download") as refused:
        checked_folder(tmp_path, with_extra=True)

    assert str(found.parent.relative_to(tmp_path)) in str(refused.value)


def test_a_converter_without_the_models_does_not_start(tmp_path: Path) -> None:
    reason = "docling's models" if is_extra_installed() else "requirements/layout.lock"
    with pytest.raises(InvalidInput, match=reason):
        DoclingConverter(layout_models=tmp_path)


@pytest.mark.parametrize("of_scans", [True, False])
def test_docling_takes_its_models_from_the_folder_alone(tmp_path: Path, of_scans: bool) -> None:
    options = layout_options(tmp_path, of_scans=of_scans)

    assert options.do_ocr is (of_scans and is_installed())
    assert options.artifacts_path == tmp_path
    assert options.do_table_structure
    assert not options.enable_remote_services
    assert not options.allow_external_plugins
