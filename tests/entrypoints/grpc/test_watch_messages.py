"""Messages are made once for all who watch, and nobody is told what another was."""

from adapters.memory.clock import FixedClock
from application.runs.watch import Heartbeat
from domain.identifiers import RunId
from domain.runs.event import RunEvent, TokenBatch
from entrypoints.grpc.watch_messages import WatchMessages, started
from fixtures.making import NOON, new_id

RUN, OTHER = RunId(new_id()), RunId(new_id())


def _event(sequence: int, text: str = "Hello") -> RunEvent:
    return RunEvent(sequence=sequence, create_time=NOON, kind=TokenBatch(text=text))


def test_the_same_event_is_converted_once() -> None:
    messages, event = WatchMessages(), _event(3)
    first = messages.of(RUN, event)
    assert (first.event.sequence, first.event.token_batch.text) == (3, "Hello")
    assert messages.of(RUN, event) is first
    assert started(event).event == first.event


def test_another_event_in_the_same_place_is_another_message() -> None:
    messages = WatchMessages()
    mine = messages.of(RUN, _event(3, "mine"))
    assert messages.of(OTHER, _event(3, "theirs")).event.token_batch.text == "theirs"
    assert messages.of(RUN, _event(3, "read again")).event.token_batch.text == "read again"
    assert mine.event.token_batch.text == "mine"


def test_what_was_made_long_ago_is_forgotten() -> None:
    messages, event = WatchMessages(), _event(1)
    first = messages.of(RUN, event)
    for sequence in range(2, 1000):
        messages.of(RUN, _event(sequence))
    assert messages.of(RUN, event) is not first
    assert messages.of(RUN, event) == first


def test_a_heartbeat_has_a_time_and_no_event() -> None:
    beat = Heartbeat(time=FixedClock().now())
    for message in (WatchMessages().of(RUN, beat), started(beat)):
        assert not message.HasField("event")
        assert message.heartbeat_time.ToDatetime(beat.time.tzinfo) == beat.time
