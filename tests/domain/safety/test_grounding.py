"""Which sentences stand on which sources."""

import pytest

from domain.safety.grounding import follows, ground, named_sources, sentences

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
            (),
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
    ("text", "expected"),
    [
        ("Nordlys smokes its herring over juniper wood. Enjoy it.", True),
        ("A tin costs 4,90 euros.", True),
        ("Guided boat trips leave the harbour every Friday.", False),
        ("Nordlys smokes 900 herring over juniper wood.", False),
        ("Nordlys smokes herring over 25 juniper trees.", False),
        (
            "Nordlys smokes herring over juniper wood. It sails yachts around Greenland.",
            False,
        ),
        ("Enjoy.", False),
        ("", False),
    ],
)
def test_a_text_follows_a_source_in_every_claim_words_and_numbers(
    text: str, expected: bool
) -> None:
    assert follows(text, HERRING) is expected


def test_a_text_that_only_repeats_the_question_follows_nothing() -> None:
    question = "Write how Nordlys smokes herring over juniper wood"
    assert not follows("Nordlys smokes herring over juniper wood.", HERRING, question)
    assert follows("Nordlys smokes herring over juniper wood in Bergen.", HERRING, question)


@pytest.mark.parametrize(
    ("answer", "followed", "unfollowed"),
    [
        ("Nordlys smokes herring over juniper [1].", (1,), ()),
        (
            "Nordlys smokes herring over juniper. [1]\n\nBoat trips every Friday. [2]",
            (1, 2),
            (),
        ),
        ("Boat trips for 25 visitors. Nordlys smokes herring over juniper. [1][2]", (1,), (2,)),
        ("Nordlys smokes herring over juniper [2], boat trips leave Friday [1].", (), (2, 1)),
        ("A tin costs 4,90 euros [1], or 7 euros [1].", (1,), (1,)),
        ("- Price: 4,90 euros [1]", (1,), ()),
        ("Nordlys smokes herring over juniper wood. Enjoy. [1]", (1,), ()),
        ("[1]", (), (1,)),
        ("Only [0] and [4] and [999], [First name], [12345].", (), ()),
        ("Nordlys smokes herring over juniper.", (), ()),
    ],
)
def test_each_number_is_held_against_what_it_stands_behind(
    answer: str, followed: tuple[int, ...], unfollowed: tuple[int, ...]
) -> None:
    named = named_sources(answer, SOURCES)
    assert named.followed == followed
    assert tuple(number for number, _ in named.unfollowed) == unfollowed


def test_the_sentence_that_a_wrong_number_stands_behind_is_told() -> None:
    named = named_sources(f"{HERRING} [1] Boats leave on every Friday [1].", SOURCES)
    assert named.unfollowed == ((1, "Boats leave on every Friday"),)


def test_sentences_end_at_marks_and_lines() -> None:
    assert sentences("One. Two!\n\nThree? 4,5 euros\n3.\n") == [
        "One.",
        "Two!",
        "Three?",
        "4,5 euros",
    ]
