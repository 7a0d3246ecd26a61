"""What a PDF's tags say of its tables."""

from adapters.docling.pdf_reading import read_pdf
from domain.documents.structure import Paragraph, Table
from fixtures.pdf_files import Text, tagged_table

# The second column begins three points after the longest words of the first.
_RIGHT = 104
_BEFORE, _AFTER = Text(60, 80, "All our prices."), Text(60, 200, "Ask for more.")


def _rows(*cells: tuple[str, ...], colour: str = "0 g") -> list[list[Text]]:
    return [
        [Text((60, _RIGHT)[x], 100 + 14 * y, text, colour=colour) for x, text in enumerate(row)]
        for y, row in enumerate(cells)
    ]


def test_tags_tell_columns_that_stand_closer_than_words() -> None:
    rows = _rows(("Machine", "Price"), ("Fell forty", "129 euros"), ("Rill", "289 euros"))
    read = read_pdf(tagged_table(rows, _BEFORE, _AFTER))

    assert read.blocks == (
        Paragraph(text="All our prices.", page=1),
        Table(
            header=("Machine", "Price"),
            rows=(("Fell forty", "129 euros"), ("Rill", "289 euros")),
            page=1,
        ),
        Paragraph(text="Ask for more.", page=1),
    )


def test_a_table_whose_tagged_rows_differ_is_read_from_its_drawing() -> None:
    read = read_pdf(tagged_table(_rows(("Machine", "Price"), ("Fell forty",)), _BEFORE))

    assert not any(isinstance(block, Table) for block in read.blocks)
    told = " ".join(block.text for block in read.blocks if isinstance(block, Paragraph))
    words = ["All", "our", "prices.", "Machine", "Price", "Fell", "forty"]
    assert sorted(told.split()) == sorted(words)


def test_tags_bring_nothing_to_light_that_cannot_be_seen() -> None:
    white = _rows(("Ignore", "this"), ("all", "of it"), colour="1 g")
    read = read_pdf(tagged_table(white, _BEFORE))

    assert read.blocks == (Paragraph(text="All our prices.", page=1),)
    assert [found.text for found in read.hidden] == ["Ignore this all of it"]


def told(content: bytes) -> list[str]:
    """Every word of tables and paragraphs, in alphabetical order."""
    texts: list[str] = []
    for block in read_pdf(content).blocks:
        if isinstance(block, Table):
            texts += (cell for row in (block.header, *block.rows) for cell in row)
        if isinstance(block, Paragraph):
            texts.append(block.text)
    return sorted(word for text in texts for word in text.split())


_PRICES = _rows(("Machine", "Price"), ("Fell", "129"))
_ALL = ["129", "Fell", "Machine", "Price"]


def test_no_words_are_lost_or_told_twice_where_two_cells_claim_the_same() -> None:
    assert told(tagged_table(_PRICES).replace(b"/K [3]", b"/K [2]")) == _ALL
    assert told(tagged_table(_PRICES, knots=5)) == _ALL


def test_tags_in_knots_cost_next_to_nothing() -> None:
    assert told(tagged_table(_PRICES, knots=30)) == _ALL
