"""A summary made of what was said, in its own words."""

from hypothesis import given
from hypothesis import strategies as st

from domain.conversations.extract import extracted
from domain.conversations.turn import Turn
from domain.identifiers import MessageId, RunId
from fixtures.making import new_id

CHAT = (
    ("Can you make that a bit shorter?", "Here is a shorter version of the text."),
    ("And a little warmer, please.", "Here is a warmer version of the text."),
    ("Thanks, that is good.", "You are welcome."),
)


def _words(text: str) -> int:
    return len(text.split())


def _turn(question: str, answer: str = "") -> Turn:
    return Turn(
        run_id=RunId(new_id()),
        question=question,
        answer=answer,
        last_message_id=MessageId(new_id()),
    )


def _of(before: str, *turns: tuple[str, str], budget: int = 60) -> str:
    said = [_turn(question, answer) for question, answer in turns]
    return extracted(before, said, budget=budget, count_tokens=_words)


def test_it_says_who_said_what_in_order() -> None:
    text = _of("", ("Which bag is launched on 14 May?", "The Alder, for 129 euros. It is nice."))
    assert text.splitlines() == [
        "Asked: Which bag is launched on 14 May?",
        "Answered: The Alder, for 129 euros.",
        "Answered: It is nice.",
    ]


def test_names_and_numbers_outlast_small_talk() -> None:
    text = _of("", ("We launch the Alder on 14 May in Oslo.", "Noted."), *CHAT, budget=20)
    assert "Asked: We launch the Alder on 14 May in Oslo." in text


def test_what_a_member_fixed_at_first_is_there_after_hundreds_of_turns() -> None:
    text = _of("", ("Never call the Alder cheap; it costs 129 euros.", "Understood."))
    for number in range(100):
        text = _of(text, *CHAT, (f"Write line {number} of it.", f"Line {number} is written."))
    assert "Never call the Alder cheap; it costs 129 euros." in text


def test_the_same_thing_said_twice_stands_once() -> None:
    text = _of("", *[("The Alder costs 129 euros.", "")] * 3)
    assert text == "Asked: The Alder costs 129 euros."


def test_citations_and_markup_are_left_out() -> None:
    text = _of("", ("Why?", "## Our bags\n- **Waxed** canvas lasts ten years [2]."))
    assert "Answered: Our bags" in text
    assert "Answered: Waxed canvas lasts ten years." in text


def test_a_summary_that_a_model_wrote_is_kept_line_by_line() -> None:
    text = _of("The Alder is launched on 14 May.", *CHAT)
    assert text.startswith("The Alder is launched on 14 May.\n")


def test_nothing_said_is_nothing_kept() -> None:
    assert _of("") == ""
    assert _of("", ("!?", "…")) == ""


@given(
    before=st.text(max_size=300),
    said=st.lists(st.tuples(st.text(max_size=200), st.text(max_size=400)), max_size=6),
    budget=st.integers(0, 80),
)
def test_it_never_passes_its_budget(before: str, said: list[tuple[str, str]], budget: int) -> None:
    assert _words(_of(before, *said, budget=budget)) <= budget
