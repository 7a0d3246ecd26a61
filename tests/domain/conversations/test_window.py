"""What of a conversation is read word for word, and what is folded away."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.chat import Role
from domain.conversations.conversation import Message
from domain.conversations.turn import Head, Recollection, Turn, turns_of
from domain.conversations.window import (
    READ_TURNS,
    cost_of,
    in_window,
    to_fold,
    window_policy,
)
from domain.identifiers import ConversationId, MessageId, RunId
from fixtures.making import NOON, new_id

POLICY = window_policy(2048)


def _words(text: str) -> int:
    return len(text.split())


def _turn(question: int = 10, answer: int = 40, *, ended: bool = True) -> Turn:
    return Turn(
        run_id=RunId(new_id()),
        question=" ".join(f"q{n}" for n in range(question)),
        answer=" ".join(f"a{n}" for n in range(answer)),
        last_message_id=MessageId(new_id()),
        ended=ended,
    )


def _message(role: Role, run: RunId, text: str) -> Message:
    return Message(
        message_id=MessageId(new_id()),
        conversation_id=ConversationId(new_id()),
        run_id=run,
        role=role,
        content=text,
        create_time=NOON,
    )


def test_the_newest_turns_that_fit_stand_in_the_window_oldest_first() -> None:
    turns = [_turn() for _ in range(5)]
    budget = 2 * cost_of(turns[0], _words)
    assert in_window(turns, budget, _words) == (turns[3], turns[4])
    assert in_window(turns, 5 * budget, _words) == tuple(turns)
    assert in_window((), budget, _words) == ()


def test_a_newest_turn_that_is_too_long_is_cut_and_not_left_out() -> None:
    long = _turn(question=400, answer=900)
    (kept,) = in_window([_turn(), long], 100, _words)
    assert cost_of(kept, _words) <= 100
    assert kept.question.startswith("q0 q1")
    assert kept.question.endswith("…")
    assert kept.answer.startswith("a0 a1")
    assert kept.answer.endswith("…")


def test_a_short_question_leaves_its_room_to_the_answer() -> None:
    (kept,) = in_window([_turn(question=3, answer=900)], 100, _words)
    assert kept.question == "q0 q1 q2"
    assert _words(kept.answer) == 100 - 8 - 3


def test_an_unanswered_turn_stays_unanswered_when_it_is_cut() -> None:
    (kept,) = in_window([_turn(question=500, answer=0)], 50, _words)
    assert (kept.answer, cost_of(kept, _words)) == ("", 50)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 600)), max_size=20),
    budget=st.integers(20, 2000),
)
def test_a_window_never_passes_its_budget_and_is_the_end_of_the_conversation(
    sizes: list[tuple[int, int]], budget: int
) -> None:
    turns = [_turn(question, answer) for question, answer in sizes]
    kept = in_window(turns, budget, _words)
    assert sum(cost_of(turn, _words) for turn in kept) <= budget
    assert [t.run_id for t in kept] == [t.run_id for t in turns[len(turns) - len(kept) :]]
    assert bool(kept) == bool(turns)


def test_nothing_is_folded_while_the_window_is_not_full() -> None:
    assert to_fold([_turn() for _ in range(3)], POLICY, _words) == ()


def test_a_full_window_is_folded_to_a_third_oldest_first() -> None:
    turns = [_turn() for _ in range(6)]
    folded = to_fold(turns, POLICY, _words)
    left = turns[len(folded) :]
    assert folded == tuple(turns[: len(folded)])
    assert sum(cost_of(turn, _words) for turn in left) <= 0.3 * POLICY.recent_tokens
    assert left


def test_many_short_turns_are_folded_by_their_number() -> None:
    turns = [_turn(1, 1) for _ in range(25)]
    assert to_fold(turns[:24], window_policy(100_000), _words) == ()
    assert len(to_fold(turns, window_policy(100_000), _words)) == 15
    assert READ_TURNS > 25


def test_the_newest_turn_is_never_folded_however_long() -> None:
    assert to_fold([_turn(3000, 3000)], POLICY, _words) == ()


def test_a_turn_that_has_not_ended_stops_the_folding() -> None:
    turns = [_turn() for _ in range(6)]
    turns[1] = replace(turns[1], ended=False)
    assert to_fold(turns, POLICY, _words) == (turns[0],)
    turns[0] = replace(turns[0], ended=False)
    assert to_fold(turns, POLICY, _words) == ()


def test_no_more_is_folded_at_once_than_a_summary_can_be_made_from() -> None:
    turns = [_turn(500, 400) for _ in range(6)]
    assert to_fold(turns, POLICY, _words) == (turns[0],)


@given(sizes=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 600)), max_size=READ_TURNS))
def test_folding_again_and_again_comes_to_an_end_with_a_window_that_fits(
    sizes: list[tuple[int, int]],
) -> None:
    turns = [_turn(question, answer) for question, answer in sizes]
    while folded := to_fold(turns, POLICY, _words):
        turns = turns[len(folded) :]
    fits = sum(cost_of(turn, _words) for turn in turns) <= POLICY.recent_tokens
    assert fits or len(turns) == 1


def test_a_model_of_any_size_is_given_a_bounded_window() -> None:
    assert window_policy(1_000_000) == window_policy(200_000)
    assert window_policy(1_000_000).recent_tokens == 4_000


def test_messages_become_turns_with_and_without_answers() -> None:
    first, second = RunId(new_id()), RunId(new_id())
    said = [
        _message(Role.USER, first, "Which fish?"),
        _message(Role.ASSISTANT, first, "Herring."),
        _message(Role.USER, second, "And where?"),
    ]
    turns = turns_of((message, message.run_id == first) for message in said)
    assert [(t.question, t.answer, t.ended) for t in turns] == [
        ("Which fish?", "Herring.", True),
        ("And where?", "", False),
    ]
    assert turns[0].last_message_id == said[1].message_id


def test_a_turn_ends_with_its_answer_also_where_the_clock_of_who_answered_is_behind() -> None:
    mine = RunId(new_id())
    answer, question = (
        _message(Role.ASSISTANT, mine, "Herring."),
        _message(Role.USER, mine, "Fish?"),
    )
    assert answer.message_id < question.message_id
    (turn,) = turns_of([(question, True), (answer, True)])
    assert turn.last_message_id == answer.message_id


def test_an_answer_without_its_question_is_no_turn() -> None:
    assert turns_of([(_message(Role.ASSISTANT, RunId(new_id()), "Herring."), True)]) == ()


@pytest.mark.parametrize("said", [0, 2])
def test_a_head_tells_where_a_conversation_stands(said: int) -> None:
    turns = tuple(_turn() for _ in range(said))
    head = Recollection(summary=None, turns=turns).head
    last = turns[-1].last_message_id if turns else None
    assert head == Head(last_message_id=last, summary_version=0)
