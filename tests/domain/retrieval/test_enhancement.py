"""What an enhancer says, and what is searched for because of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs

from domain.retrieval.enhancement import (
    MOST_CHARACTERS,
    SCHEMA,
    EnhancedQuery,
    SearchText,
    enhanced_from,
    second_wave,
)

WHOLE = {
    "query": "price of the enterprise plan",
    "alternatives": ["enterprise plan cost", "what does enterprise cost"],
    "entities": ["Enterprise"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)


def test_a_whole_answer_says_all_that_it_says() -> None:
    assert enhanced_from(json.dumps(WHOLE)) == EnhancedQuery(
        text="price of the enterprise plan",
        alternatives=("enterprise plan cost", "what does enterprise cost"),
        entities=("Enterprise",),
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Sure! Here is the query:",
        '{"query": "price',
        "[]",
        "null",
        '"query"',
        "{}",
        "[" * 5_000,
        *(
            json.dumps({**WHOLE, **wrong})
            for wrong in (
                {"query": ""},
                {"query": " \n "},
                {"query": 5},
                {"query": "x" * (MOST_CHARACTERS + 1)},
                {"query": "\ud800"},
                {"alternatives": "one"},
                {"alternatives": None},
                {"entities": {"a": 1}},
            )
        ),
    ],
)
def test_a_broken_answer_says_nothing(answer: str) -> None:
    assert enhanced_from(answer) is None


def test_what_is_wrong_in_a_list_is_left_out() -> None:
    said = {**WHOLE, "alternatives": ["a b", 5, "", "a b", "c", "d", "e"]}
    assert enhanced_from(json.dumps(said)) == EnhancedQuery(
        text="price of the enterprise plan",
        alternatives=("a b", "c"),
        entities=("Enterprise",),
    )


def test_a_query_is_one_line_that_can_be_seen() -> None:
    found = enhanced_from(json.dumps({**WHOLE, "query": "a\u200b\n\tplan\u202e\x00 b"}))
    assert found is not None
    assert found.text == "a plan b"


@given(said=JSON)
def test_no_answer_breaks_the_reader(said: object) -> None:
    found = enhanced_from(json.dumps(said))
    assert found is None or isinstance(found, EnhancedQuery)


@given(
    query=st.text(max_size=600),
    lists=st.lists(st.lists(st.text(max_size=600), max_size=12), min_size=2, max_size=2),
)
def test_whatever_an_answer_holds_stays_within_its_bounds(
    query: str, lists: list[list[str]]
) -> None:
    alternatives, entities = lists
    said = {"query": query, "alternatives": alternatives, "entities": entities}
    found = enhanced_from(json.dumps(said))
    if found is not None:
        texts = (found.text, *found.alternatives, *found.entities)
        assert all(0 < len(text) <= MOST_CHARACTERS and "\n" not in text for text in texts)
        assert len(second_wave((), found)) <= 4


def test_the_schema_is_one_and_takes_a_whole_answer() -> None:
    schema = json.loads(SCHEMA)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(WHOLE)


def test_the_second_wave_asks_nothing_twice() -> None:
    enhanced = EnhancedQuery(
        text="Price of  the plan",
        alternatives=("plan cost", "Plan Cost"),
        entities=("Enterprise", "Nordlys"),
    )
    assert second_wave(("price of the plan", "and for enterprise?"), enhanced) == (
        SearchText(text="plan cost"),
        SearchText(text="Enterprise Nordlys", by_words=True),
    )


@pytest.mark.parametrize("text", ["", " ", "x" * (MOST_CHARACTERS + 1)])
def test_a_query_that_cannot_be_asked_has_no_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        EnhancedQuery(text=text)
    with pytest.raises(ValueError, match="characters"):
        EnhancedQuery(text="a", alternatives=(text,))
    with pytest.raises(ValueError, match="characters"):
        EnhancedQuery(text="a", entities=(text,))


def test_a_query_has_a_few_alternatives_and_entities() -> None:
    with pytest.raises(ValueError, match="at most 2"):
        EnhancedQuery(text="a", alternatives=("b",) * 4)
    with pytest.raises(ValueError, match="8 entities"):
        EnhancedQuery(text="a", entities=("b",) * 9)
