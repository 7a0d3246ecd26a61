"""That a lost text, cell or heading would be noticed: the comparison of foreign files, compared."""

from dataclasses import replace

import pytest

from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Table,
)
from fixtures.foreign_files import FOLDER, ForeignFile, faults, foreign_files

EXPECTED: tuple[Block, ...] = (
    Heading(text="Guide", level=1),
    Paragraph(text="We say what a lamp does."),
    Heading(text="Voice", level=2),
    BulletList(items=("Short", "  Shorter")),
    Table(header=("Plan", "Price"), rows=(("Basic", "9"), ("Pro", "19"))),
)
FILE = ForeignFile(path=FOLDER / "files" / "guide.tool.docx", expected=EXPECTED)


def found(*blocks: Block) -> list[str]:
    return faults(DocumentStructure(title="", blocks=blocks), FILE)


def test_the_source_itself_has_no_faults() -> None:
    assert found(*EXPECTED) == []


def test_lines_pages_and_depths_may_be_cut_otherwise() -> None:
    heading, _, voice, _, table = EXPECTED
    assert isinstance(voice, Heading)
    halves = (Paragraph(text="We say what", page=1), Paragraph(text="a lamp  does.", page=2))
    items = (BulletList(items=("Short",)), BulletList(items=("Shorter",)))
    number = Paragraph(text="2")
    assert found(heading, *halves, number, replace(voice, level=4), *items, table) == []


@pytest.mark.parametrize("gone", range(len(EXPECTED)))
def test_a_block_that_is_gone_is_noticed(gone: int) -> None:
    assert found(*EXPECTED[:gone], *EXPECTED[gone + 1 :]) != []


@pytest.mark.parametrize(
    ("place", "wrong", "fault"),
    [
        (0, Heading(text="Guide", level=2), "headings"),
        (0, Paragraph(text="Guide"), "headings"),
        (1, Paragraph(text="We say what a lamp do."), "text lost"),
        (1, Paragraph(text="We say what a lamp does. Twice does."), "nobody wrote"),
        (3, BulletList(items=("  Shorter", "Short")), "text moved"),
        (4, Table(header=("Plan",), rows=(("Basic",), ("Pro",))), "table 0 differs"),
        (4, Table(header=("Plan", "Price"), rows=(("Pro", "19"), ("Basic", "9"))), "table 0"),
        (4, Paragraph(text="Plan Price Basic 9 Pro 19"), "0 tables"),
    ],
)
def test_a_block_that_is_wrong_is_noticed(place: int, wrong: Block, fault: str) -> None:
    blocks = list(EXPECTED)
    blocks[place] = wrong
    assert any(fault in told for told in found(*blocks))


def test_every_file_is_of_a_source_and_by_a_tool() -> None:
    for file in foreign_files():
        source, tool, *_ = file.path.name.split(".")
        assert (FOLDER / "sources" / f"{source}.json").exists()
        assert tool
        assert file.expected
