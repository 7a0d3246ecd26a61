"""The names in a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.retrieval.names import names_in


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What does the Pro plan of Nordlys cost?", ("Pro", "Nordlys")),
        ("Write about the Nordlys Summer Sale in Bergen.", ("Nordlys Summer Sale", "Bergen")),
        ('Who said "smoked over juniper"?', ("smoked over juniper",)),
        ("Compare B2B and GA4 in 2026", ("B2B", "GA4", "2026")),
        ("Write a text. Nothing else.", ()),
        ("WRITE ABOUT SMOKED HERRING", ()),
        ("what is it", ()),
        ("", ()),
    ],
)
def test_what_looks_like_a_name_is_one(question: str, names: tuple[str, ...]) -> None:
    assert names_in(question) == names


@given(question=st.text(max_size=300))
def test_there_are_a_few_and_they_stand_in_the_question(question: str) -> None:
    names = names_in(question)
    assert len(names) <= 8
    assert all(word in question for name in names for word in name.split())
