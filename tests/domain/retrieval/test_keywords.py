"""Which phrases a set of passages is about."""

import pytest

from domain.retrieval.keywords import Keyword, keywords


def test_phrases_that_are_spread_come_before_those_that_are_only_frequent() -> None:
    texts = ["Smoked salmon, smoked salmon.", "Smoked salmon again.", "Herring herring herring!"]
    best = keywords(texts, 3)
    assert best[0] == Keyword(phrase="smoked salmon", count=3, passages=2)
    assert [k.phrase for k in best[1:]] == ["salmon", "smoked"]


def test_ties_come_in_alphabetical_order() -> None:
    assert [k.phrase for k in keywords(["plums, with pears, with apples"], 3)] == [
        "apples",
        "pears",
        "plums",
    ]


@pytest.mark.parametrize("texts", [[], [""], ["and the of 2026 a I 12%"]])
def test_common_words_and_numbers_are_no_keywords(texts: list[str]) -> None:
    assert keywords(texts, 5) == ()


def test_words_of_every_language_count_and_hyphens_hold_them_together() -> None:
    phrases = {k.phrase for k in keywords(["Räucherlachs, ready-to-eat"], 5)}
    assert {"räucherlachs", "ready-to-eat"} <= phrases


def test_no_more_than_the_limit() -> None:
    assert len(keywords(["alpha bravo charlie delta echo foxtrot"], 2)) == 2
