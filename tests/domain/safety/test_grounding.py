"""Which sentences stand on which sources."""

import pytest

from domain.safety.grounding import cited_numbers, ground, sentences

HERRING = "Nordlys smokes herring over juniper wood in Bergen. A tin costs 4,90 euros."
BOATS = "Every Friday the harbour offers guided boat trips for 25 visitors."
SOURCES = (HERRING, BOATS)


@pytest.mark.parametrize(
    ("answer", "cited", "unsupported"),
    [
        ("Nordlys smokes its herring over juniper wood.", (1,), ()),
        ("Guided boat trips leave the harbour every Friday.", (2,), ()),
        ("The harbour offers boat trips Friday. Nordlys smokes herring over juniper.", (1, 2), ()),
        (
            "Astronauts praise chocolate pudding on Jupiter.",
            (),
            ("Astronauts praise chocolate pudding on Jupiter.",),
        ),
        (
            "Nordlys smokes 900 herring over juniper wood.",
            (1,),
            ("Nordlys smokes 900 herring over juniper wood.",),
        ),
        ("A tin of herring costs just 4,90 euros.", (1,), ()),
        ("Try it today! Enjoy.", (), ()),
        ("1. Nordlys smokes herring over juniper wood.\n2) Enjoy.", (1,), ()),
        ("Nordlys smokes herring over juniper wood [7].", (1,), ()),
        ("", (), ()),
    ],
)
def test_sentences_are_held_against_their_sources(
    answer: str, cited: tuple[int, ...], unsupported: tuple[str, ...]
) -> None:
    grounding = ground(answer, SOURCES)
    assert (grounding.cited, grounding.unsupported) == (cited, unsupported)


def test_what_the_question_says_needs_no_source() -> None:
    answer = "Celebrate 50 wonderful years of sailing lighthouse schools."
    assert ground(answer, SOURCES).unsupported == (answer,)
    known = "Write about 50 years of wonderful lighthouse sailing schools"
    assert ground(answer, SOURCES, known).unsupported == ()


def test_without_sources_every_claim_is_unsupported() -> None:
    answer = "Nordlys smokes herring over juniper wood."
    assert ground(answer, ()).unsupported == (answer,)


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("As said [2], and again [1][2].", (1, 2)),
        ("Only [0] and [4] and [999].", ()),
        ("[First name], [12345]", ()),
    ],
)
def test_only_numbers_of_sources_are_citations(answer: str, numbers: tuple[int, ...]) -> None:
    assert cited_numbers(answer, 3) == numbers


def test_sentences_end_at_marks_and_lines() -> None:
    assert sentences("One. Two!\n\nThree? 4,5 euros\n3.\n") == [
        "One.",
        "Two!",
        "Three?",
        "4,5 euros",
    ]
