"""Several ranked lists into one."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.fusion import (
    ENHANCED,
    Ranking,
    cut_to_budget,
    fuse,
    one_per_document,
    reciprocal_rank_fusion,
    reordered,
    spread_out,
    without_near_duplicates,
)
from domain.retrieval.passage import FusedPassage, Hit, Passage
from domain.retrieval.policy import RetrievalConfig, Stream, StreamPolicy

EVEN = dict.fromkeys(Stream, 1.0)
LONG = " ".join(f"word{n}" for n in range(60))
YEARS = ((2025, "4,90"), (2026, "5,20"))


def _passage(number: int, text: str | None = None, document: int = 1) -> Passage:
    return Passage(
        chunk_id=ChunkId(UUID(int=number)),
        document_id=DocumentId(UUID(int=document)),
        title="Guide",
        filename="guide.md",
        collection=Collection.GENERAL,
        section_path=(),
        page=None,
        text=f"passage number {number}" if text is None else text,
    )


def _fused(*texts: str, documents: tuple[int, ...] = ()) -> list[FusedPassage]:
    of = documents or (1,) * len(texts)
    return [
        FusedPassage(passage=_passage(n, text, of[n - 1]), streams=("semantic",), score=1 / n)
        for n, text in enumerate(texts, start=1)
    ]


def _words(fused: FusedPassage) -> int:
    return len(fused.passage.text.split())


def test_scores_are_those_of_the_formula() -> None:
    a, b, c = (_passage(n) for n in (1, 2, 3))
    weights = {**EVEN, Stream.REFERENCED: 2.0, Stream.WEB: 0.7}
    ranked = {Stream.REFERENCED: [b], Stream.SEMANTIC: [a, b], Stream.WEB: [c, a]}
    fused = reciprocal_rank_fusion(ranked, weights)
    assert [(f.passage, f.streams) for f in fused] == [
        (b, ("referenced", "semantic")),
        (a, ("semantic", "web")),
        (c, ("web",)),
    ]
    by_hand = [2 / 11 + 1 / 12, 1 / 11 + 0.7 / 12, 0.7 / 11]
    assert [f.score for f in fused] == pytest.approx(by_hand)


def test_every_list_that_brought_a_passage_is_told() -> None:
    a, b = _passage(1), _passage(2)
    fused = fuse(
        [
            Ranking(stream=Stream.SEMANTIC, passages=[a, b]),
            Ranking(stream=Stream.SEMANTIC, passages=[b], weight=0.5, way=ENHANCED),
            Ranking(stream=Stream.WEB, passages=[]),
        ]
    )
    assert [(f.passage, f.streams, f.hits) for f in fused] == [
        (
            b,
            ("semantic",),
            (
                Hit(stream="semantic", way="asked", rank=2),
                Hit(stream="semantic", way="enhanced", rank=1),
            ),
        ),
        (a, ("semantic",), (Hit(stream="semantic", way="asked", rank=1),)),
    ]
    assert fused[0].score == pytest.approx(1 / 12 + 0.5 / 11)


def test_a_list_of_less_weight_is_heard_beside_a_long_one() -> None:
    own = [_passage(n) for n in range(1, 25)]
    web = [_passage(n) for n in range(101, 125)]
    fused = reciprocal_rank_fusion(
        {Stream.SEMANTIC: own, Stream.WEB: web}, {**EVEN, Stream.WEB: 0.7}
    )
    assert [f.streams for f in fused[:6]] == [("semantic",)] * 5 + [("web",)]


def test_ties_come_in_the_order_of_their_ids() -> None:
    ranked = {Stream.SEMANTIC: [_passage(9)], Stream.WEB: [_passage(4)]}
    fused = reciprocal_rank_fusion(ranked, EVEN)
    assert [f.passage for f in fused] == [_passage(4), _passage(9)]


def test_nothing_fuses_into_nothing() -> None:
    assert reciprocal_rank_fusion({}, EVEN) == []
    assert reciprocal_rank_fusion({Stream.WEB: []}, EVEN) == []


@pytest.mark.parametrize(
    ("worse", "kept"),
    [
        (LONG, False),
        (LONG.upper().replace(" ", ",\n"), False),
        (LONG + " and two more", False),
        (LONG.rsplit(" ", 6)[0], False),
        (" ".join(LONG.split()[:8]), False),
        (" ".join(LONG.split()[:30] + [f"new{n}" for n in range(30)]), True),
        (f"{LONG} {' '.join(f'new{n}' for n in range(90))}", True),
        ("Something else altogether, in a few words.", True),
        (f"{LONG} for 120 euros", True),
    ],
)
def test_of_two_that_say_the_same_the_better_is_kept(worse: str, kept: bool) -> None:
    better, other = _fused(LONG, worse)
    found = without_near_duplicates([better, other])
    both = replace(better, also_in=(other.passage.place,))
    assert found == ([better, other] if kept else [both])


def test_the_kept_one_names_every_place_that_says_the_same() -> None:
    first, twin, apart, third = _fused(LONG, LONG, "Another text", LONG, documents=(1, 2, 3, 4))
    twin = replace(twin, also_in=(apart.passage.place,))
    kept, other = without_near_duplicates([first, twin, apart, third], 2)
    places = (twin.passage.place, apart.passage.place, third.passage.place)
    assert (kept, other) == (replace(first, also_in=places), apart)


def test_two_that_differ_in_a_number_both_stay() -> None:
    older, newer = (f"{LONG} From {year} on a tin costs {price}." for year, price in YEARS)
    first, second, copy = _fused(older, newer, newer, documents=(1, 2, 3))
    kept = without_near_duplicates([first, second, copy])
    assert kept == [first, replace(second, also_in=(copy.passage.place,))]


def test_a_passage_that_is_found_again_does_not_stand_elsewhere_for_that() -> None:
    (first,) = _fused(LONG)
    assert without_near_duplicates([first, first]) == [first]


def test_a_text_that_stands_everywhere_names_a_few_places() -> None:
    (kept,) = without_near_duplicates(_fused(*[LONG] * 30), 1)
    assert [place.chunk_id.int for place in kept.also_in] == list(range(2, 10))


def test_a_short_passage_does_not_silence_a_long_one_that_holds_it() -> None:
    title, body = _fused("Our spring range 2026", f"Our spring range 2026. {LONG}")
    assert without_near_duplicates([title, body]) == [title, body]


def test_short_texts_are_compared_whole() -> None:
    assert (
        len(without_near_duplicates(_fused("Two words", "two words!", "Other words", "", ""))) == 3
    )


_COSTS = st.lists(st.integers(0, 50), max_size=20)


@given(costs=_COSTS, top_k=st.integers(1, 8), budget=st.integers(-5, 120))
def test_the_budget_is_never_exceeded(costs: list[int], top_k: int, budget: int) -> None:
    fused = _fused(*(" ".join(["w"] * cost) for cost in costs))
    taken = cut_to_budget(fused, top_k=top_k, budget_tokens=budget, cost=_words)
    assert sum(map(_words, taken)) <= max(budget, 0)
    assert len(taken) <= top_k
    assert taken == [f for f in fused if f in taken]
    left = budget - sum(map(_words, taken))
    passed_over = [f for f in fused if f not in taken]
    assert len(taken) == top_k or all(_words(f) > left for f in passed_over if _words(f))


def test_one_that_does_not_fit_is_passed_over_for_one_that_does() -> None:
    big, small = _fused("a b c d e", "f g")
    assert cut_to_budget([big, small], top_k=5, budget_tokens=3, cost=_words) == [small]


def test_the_best_of_each_document_running_text_before_tables() -> None:
    table, text, other, only_table = _fused(
        "| a | b |", "Prose.", "Else.", "| c |", documents=(1, 1, 2, 3)
    )
    assert one_per_document([table, text, other, only_table]) == [text, other, only_table]


def test_a_configuration_that_cannot_be_is_refused() -> None:
    own = frozenset({Collection.BRAND})
    with pytest.raises(ValueError, match="count from 1"):
        RetrievalConfig(collections=own, top_k=0)
    with pytest.raises(ValueError, match="count from 1"):
        RetrievalConfig(collections=own, budget_tokens=0)
    with pytest.raises(ValueError, match="all four"):
        RetrievalConfig(collections=own, streams={Stream.WEB: StreamPolicy()})


def test_one_document_does_not_take_all_the_room() -> None:
    fused = _fused("a", "b", "c", "d", "e", documents=(1, 1, 1, 2, 1))
    assert [f.passage.text for f in spread_out(fused, 2, 9)] == ["a", "b", "d", "c", "e"]


def test_a_document_that_was_referred_to_may_have_all_the_room() -> None:
    fused = [replace(f, streams=("referenced",)) for f in _fused("a", "b", "c")]
    fused.append(_fused("d", documents=(2,))[0])
    assert spread_out(fused, 1, 3) == fused


def test_two_documents_that_were_referred_to_are_both_read() -> None:
    fused = _fused("a", "b", "c", "d", "e", documents=(1, 1, 1, 2, 1))
    referred = [replace(f, streams=("referenced",)) for f in fused]
    assert [f.passage.text for f in spread_out(referred, 1, 2)] == ["a", "b", "d", "c", "e"]


@given(
    documents=st.lists(st.integers(1, 4), max_size=12).map(tuple), per_document=st.integers(1, 5)
)
def test_spreading_out_drops_and_adds_nothing(
    documents: tuple[int, ...], per_document: int
) -> None:
    fused = _fused(*(f"text {n}" for n in range(len(documents))), documents=documents)
    spread = spread_out(fused, per_document, 1)
    assert sorted(spread, key=lambda f: f.passage.chunk_id) == fused
    for document in set(documents):
        ours = [f for f in spread if f.passage.document_id.int == document]
        assert ours == [f for f in fused if f.passage.document_id.int == document]


def test_an_opinion_is_fused_with_the_order_that_there_was() -> None:
    a, b, c = _fused("a", "b", "c")
    assert reordered([a, b, c], [0.0, 0.1, 0.9], 0.0) == [a, b, c]
    assert reordered([a, b, c], [0.0, 0.1, 0.9], 100.0) == [c, b, a]
    assert reordered([a, b, c], [5.0, 5.0, 5.0], 1.0) == [a, b, c]


def test_an_opinion_about_other_passages_is_refused() -> None:
    with pytest.raises(ValueError, match="2 passages need as many scores"):
        reordered(_fused("a", "b"), [1.0], 1.0)
