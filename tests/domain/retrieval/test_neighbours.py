"""Passages that follow one another, read as one."""

from dataclasses import replace
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.neighbours import with_neighbours_joined
from domain.retrieval.passage import FusedPassage, Hit, Passage

TEXT = " ".join(f"word{n}" for n in range(400))


def _at(
    start: int,
    end: int,
    *,
    number: int,
    document: int = 1,
    section: tuple[str, ...] = ("Prices",),
    page: int | None = None,
    text: str | None = None,
) -> FusedPassage:
    passage = Passage(
        chunk_id=ChunkId(UUID(int=number)),
        document_id=DocumentId(UUID(int=document)),
        title="Guide",
        filename="guide.md",
        collection=Collection.GENERAL,
        section_path=section,
        page=page,
        text=TEXT[start:end] if text is None else text,
        span=(start, end),
    )
    hit = Hit(stream="semantic", way="asked", rank=number)
    return FusedPassage(passage=passage, streams=("semantic",), score=1 / number, hits=(hit,))


def test_neighbours_are_one_passage_at_the_place_of_the_better() -> None:
    other = _at(0, 50, number=2, document=2)
    worse, better = _at(0, 100, number=3, page=4), _at(80, 200, number=1, page=5)
    joined, alone = with_neighbours_joined([better, other, worse])
    assert alone == other
    assert joined.passage == replace(better.passage, text=TEXT[:200], span=(0, 200), page=4)
    assert (joined.score, [hit.rank for hit in joined.hits]) == (better.score, [3, 1])


def test_what_two_of_them_share_is_said_once() -> None:
    (joined,) = with_neighbours_joined([_at(0, 120, number=1), _at(60, 180, number=2)])
    assert joined.passage.text == TEXT[:180]


def test_pieces_with_a_break_between_them_are_joined_by_one() -> None:
    first, second = _at(0, 5, number=1, text="Alpha"), _at(7, 11, number=2, text="Beta")
    (joined,) = with_neighbours_joined([first, second])
    assert joined.passage.text == "Alpha\n\nBeta"


def test_an_overlap_that_cannot_be_found_again_costs_no_text() -> None:
    first, second = _at(0, 9, number=1, text="Alpha one"), _at(6, 12, number=2, text="Beta")
    (joined,) = with_neighbours_joined([first, second])
    assert joined.passage.text == "Alpha one\nBeta"


def test_letters_that_are_alike_by_chance_are_no_overlap() -> None:
    first, second = _at(0, 12, number=1, text="All prices"), _at(6, 20, number=2, text="sales tax")
    (joined,) = with_neighbours_joined([first, second])
    assert joined.passage.text == "All prices\nsales tax"


def test_a_passage_within_another_adds_nothing() -> None:
    (joined,) = with_neighbours_joined([_at(0, 200, number=1), _at(50, 100, number=2)])
    assert joined.passage.text == TEXT[:200]


def test_pieces_of_one_row_of_a_table_are_all_read() -> None:
    pieces = [_at(0, 60, number=n, text=f"Terms: piece {n}.") for n in (1, 2, 3)]
    (joined,) = with_neighbours_joined(pieces)
    assert joined.passage.text == "Terms: piece 1.\nTerms: piece 2.\nTerms: piece 3."
    assert joined.passage.span == (0, 60)


def test_what_does_not_follow_stays_apart() -> None:
    table = "| a | b |\n| - | - |"
    apart = [
        _at(0, 100, number=1),
        _at(110, 200, number=2),
        _at(200, 300, number=3, section=("Boats",)),
        _at(300, 400, number=4, document=2),
        _at(100, 110, number=5, text=table),
        replace(_at(0, 0, number=6, text="somewhere")),
        replace(_at(0, 0, number=7, text="elsewhere")),
    ]
    assert with_neighbours_joined(apart) == apart


def test_versions_of_a_document_are_never_mixed() -> None:
    first, second = _at(0, 100, number=1), _at(100, 200, number=2)
    second = replace(second, passage=replace(second.passage, version=2))
    assert with_neighbours_joined([first, second]) == [first, second]


@given(
    cuts=st.lists(st.integers(1, 2_000), min_size=1, max_size=6, unique=True).map(sorted),
    overlap=st.integers(0, 30),
    shuffle=st.randoms(),
)
def test_a_whole_section_comes_together_again(
    cuts: list[int], overlap: int, shuffle: Random
) -> None:
    ends = [*cuts, 2_200]
    starts = [0, *(max(cut - overlap, 0) for cut in cuts)]
    pieces = [
        _at(start, end, number=n)
        for n, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    ]
    shuffle.shuffle(pieces)
    (joined,) = with_neighbours_joined(pieces)
    assert joined.passage.text == TEXT[:2_200]
    assert joined.passage.chunk_id == pieces[0].passage.chunk_id
