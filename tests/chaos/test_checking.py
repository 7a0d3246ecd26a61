"""The judge of the chaos harness condemns each kind of forgery, and nothing else."""

from dataclasses import replace

import pytest
from bench.chaos.checking import Verdict, calls_again, judge
from bench.chaos.history import Deed, Events, History, Sight, Story

from obelisk.v1 import conversation_pb2, run_pb2

RUN, CONVERSATION = "run-1", "conversation-1"
USER = conversation_pb2.MESSAGE_ROLE_USER
ASSISTANT = conversation_pb2.MESSAGE_ROLE_ASSISTANT


def _log() -> Events:
    """A run that lost its process once, with half a draft shown."""
    kinds = [
        run_pb2.RunEvent(queued=run_pb2.RunQueued(run_id=RUN)),
        run_pb2.RunEvent(started=run_pb2.RunStarted(attempt=1)),
        run_pb2.RunEvent(token_batch=run_pb2.TokenBatch(text="Waxed ")),
        run_pb2.RunEvent(started=run_pb2.RunStarted(attempt=2)),
        run_pb2.RunEvent(draft_discarded=run_pb2.DraftDiscarded(characters=6)),
        run_pb2.RunEvent(token_batch=run_pb2.TokenBatch(text="Sewn ")),
        run_pb2.RunEvent(token_batch=run_pb2.TokenBatch(text="twice.")),
        run_pb2.RunEvent(drafted=run_pb2.Drafted(text="Sewn twice.")),
        run_pb2.RunEvent(
            completed=run_pb2.RunCompleted(reason=run_pb2.TERMINATION_REASON_COMPLETE)
        ),
    ]
    for sequence, event in enumerate(kinds, start=1):
        event.sequence = sequence
    return kinds


def _story() -> Story:
    return Story(
        tag="c1",
        space_id="space-1",
        run_id=RUN,
        conversation_id=CONVERSATION,
        sights=[Sight(name="who asked", events=_log()), Sight(name="who joined", events=_log())],
        log=_log(),
    )


def _said(role: conversation_pb2.MessageRole.ValueType, text: str) -> conversation_pb2.Message:
    return conversation_pb2.Message(role=role, content=text, run_id=RUN)


def _history(story: Story) -> History:
    return History(
        stories=(story,),
        deeds=(Deed(tag="c1", step="report", key="k1"), Deed(tag="c1", step="scan", key="k2")),
        messages={CONVERSATION: (_said(USER, "Say"), _said(ASSISTANT, "Sewn twice."))},
        accepted=(RUN,),
    )


def _counts(verdict: Verdict) -> dict[str, int]:
    """Which promises were broken, and how often."""
    names = [name for name in Verdict.__slots__ if name != "broken"]
    return {name: count for name in names if (count := getattr(verdict, name))}


def _judged(story: Story) -> dict[str, int]:
    return _counts(judge(_history(story)))


def test_a_true_history_is_not_condemned() -> None:
    verdict = judge(_history(_story()))
    assert verdict.holds
    assert _counts(verdict) == {}


@pytest.mark.parametrize("missing", range(9))
def test_an_event_that_a_watcher_was_never_told_is_lost(missing: int) -> None:
    story = _story()
    del story.sights[1].events[missing]
    assert _judged(story) == {"lost": 1}


def test_an_event_that_says_another_thing_than_the_log_is_lost() -> None:
    story = _story()
    story.sights[0].events[2].token_batch.text = "Brass "
    assert _judged(story) == {"lost": 1}


def test_an_event_that_the_log_does_not_have_is_not_the_logs() -> None:
    story = _story()
    story.sights[0].events.append(run_pb2.RunEvent(sequence=10))
    assert _judged(story) == {"lost": 1}


@pytest.mark.parametrize("again", range(9))
def test_an_event_that_came_twice_is_repeated(again: int) -> None:
    story = _story()
    events = story.sights[0].events
    events.insert(again, events[again])
    assert _judged(story) == {"repeated": 1}


def test_events_out_of_order_count_as_repeated() -> None:
    story = _story()
    events = story.sights[0].events
    events[3], events[4] = events[4], events[3]
    assert _judged(story) == {"repeated": 1}


def test_a_gap_in_the_log_itself_is_a_loss_although_the_watchers_agree_with_it() -> None:
    story = _story()
    for events in (story.log, *(sight.events for sight in story.sights)):
        del events[3]
    assert _judged(story) == {"lost": 1}


def test_a_log_that_goes_on_after_its_end_is_condemned() -> None:
    story = _story()
    late = run_pb2.RunEvent(sequence=10, warning_raised=run_pb2.WarningRaised(reason="LATE"))
    for events in (story.log, *(sight.events for sight in story.sights)):
        events.append(late)
    assert _judged(story)["lost"] == 1


def test_a_run_that_has_not_ended_is_stuck_and_its_watchers_have_lost_nothing() -> None:
    story = _story()
    del story.log[-1]
    for sight in story.sights:
        del sight.events[-1]
        sight.given_up = True
    history = replace(_history(story), messages={})
    assert _counts(judge(history)) == {"stuck": 1}


def test_a_watcher_who_gave_up_before_the_end_makes_the_run_a_stuck_one() -> None:
    story = _story()
    del story.sights[0].events[5:]
    story.sights[0].given_up = True
    assert _judged(story) == {"stuck": 1}


def test_a_question_that_was_never_accepted_is_stuck() -> None:
    story = Story(tag="c2", space_id="space-1")
    history = replace(_history(_story()), stories=(_story(), story))
    assert _counts(judge(history)) == {"stuck": 1}


def test_a_run_that_ended_as_an_error_has_failed() -> None:
    story = _story()
    for events in (story.log, *(sight.events for sight in story.sights)):
        events[-1].completed.reason = run_pb2.TERMINATION_REASON_ERROR
    assert _judged(story) == {"failed": 1}


def test_a_second_effect_for_one_step_is_noticed() -> None:
    history = _history(_story())
    again = (*history.deeds, Deed(tag="c1", step="scan", key="k3"))
    assert _counts(judge(replace(history, deeds=again))) == {"repeated_side_effects": 1}


def test_a_call_under_the_same_key_is_no_second_effect_but_is_counted() -> None:
    history = _history(_story())
    again = (*history.deeds, history.deeds[0])
    assert _counts(judge(replace(history, deeds=again))) == {}
    assert calls_again(again) == 1


def test_a_draft_that_still_holds_what_was_taken_back_is_wrong() -> None:
    story = _story()
    for events in (story.log, *(sight.events for sight in story.sights)):
        events[7].drafted.text = "Waxed Sewn twice."
    history = replace(_history(story), messages={})
    assert _counts(judge(history)) == {"wrong_drafts": 1}


def test_taking_back_another_number_of_characters_than_was_shown_is_wrong() -> None:
    story = _story()
    for events in (story.log, *(sight.events for sight in story.sights)):
        events[4].draft_discarded.characters = 5
    assert _judged(story) == {"wrong_drafts": 1}


@pytest.mark.parametrize(
    "messages",
    [
        (_said(USER, "Say"), _said(USER, "Say"), _said(ASSISTANT, "Sewn twice.")),
        (_said(USER, "Say"), _said(ASSISTANT, "Sewn twice."), _said(ASSISTANT, "Sewn twice.")),
        (_said(USER, "Say"), _said(ASSISTANT, "Waxed Sewn twice.")),
        (_said(USER, "Say"),),
        (_said(ASSISTANT, "Sewn twice."),),
    ],
    ids=["question twice", "answer twice", "other answer", "no answer", "no question"],
)
def test_a_conversation_has_each_question_and_each_answer_once(
    messages: tuple[conversation_pb2.Message, ...],
) -> None:
    history = replace(_history(_story()), messages={CONVERSATION: messages})
    assert _counts(judge(history))["wrong_messages"] >= 1


def test_a_run_that_no_client_was_told_of_is_a_double() -> None:
    history = replace(_history(_story()), accepted=(RUN, "run-2"))
    assert _counts(judge(history)) == {"doubled_runs": 1}
