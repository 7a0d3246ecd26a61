"""Questions that lean on the one before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.retrieval.follow_up import is_follow_up, standalone

TOPIC = "What does the Pro plan of Nordlys cost per month?"


@pytest.mark.parametrize(
    "question",
    [
        "And for enterprise?",
        "and in Germany",
        "What about students?",
        "How much does it cost?",
        "Why?",
        "Shorter, please.",
        "Make it warmer",
        "For families",
        "What are their opening hours?",
        "Und für Unternehmen?",
        "Was ist mit Studenten?",
        "Et pour les entreprises ?",
        "Write it again, less formal",
    ],
)
def test_what_leans_on_an_earlier_question_is_told(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        TOPIC,
        "Write a newsletter about smoked herring for families in Bergen.",
        "List the opening hours of the harbour shop",
        "Smoked herring",
        "Anderson's campaign results",
        "Write about Orkney",
        "",
        "…",
        "Compare the spring campaign with the summer campaign and say which of them sold more bags",
    ],
)
def test_what_stands_by_itself_is_left_alone(question: str) -> None:
    assert not is_follow_up(question)
    assert standalone(question, [TOPIC]) == question


def test_a_follow_up_is_asked_together_with_its_topic() -> None:
    assert standalone("And for enterprise?", [TOPIC]) == f"{TOPIC} And for enterprise?"


def test_a_chain_of_them_goes_back_to_its_topic_and_no_further() -> None:
    earlier = ["Which boats do you rent?", TOPIC, "And for students?"]
    assert standalone("What about Norway?", earlier) == (
        f"{TOPIC} And for students? What about Norway?"
    )


def test_without_a_conversation_there_is_nothing_to_lean_on() -> None:
    assert standalone("And for enterprise?", []) == "And for enterprise?"


@given(
    question=st.text(max_size=700),
    earlier=st.lists(st.text(max_size=700), max_size=9),
)
def test_what_is_asked_stays_whole_and_the_rest_is_bounded(
    question: str, earlier: list[str]
) -> None:
    found = standalone(question, earlier)
    assert found.strip().endswith(question.strip())
    assert len(found) <= max(len(question), 501)


def test_a_long_topic_gives_way_before_the_question() -> None:
    found = standalone("And for enterprise?", ["bags " * 300])
    assert found.endswith(" And for enterprise?")
    assert found.startswith("bags bags")
    assert len(found) <= 500
