"""Events as JSON text: how the log stores them and how processes announce them to each other."""

import json
from datetime import datetime

from domain.plain import NotPlain, Plain, from_plain, to_plain
from domain.runs.event import (
    DraftDiscarded,
    Drafted,
    EventKind,
    RunCompleted,
    RunEvent,
    RunPaused,
    RunQueued,
    RunResumed,
    RunStarted,
    SourcesRetrieved,
    StageTimed,
    TokenBatch,
    ToolCalled,
    ToolReturned,
    UsageRecorded,
    WarningRaised,
)
from domain.runs.journal import Mark, MarkKind
from domain.runs.pause import Answer

_KINDS: dict[str, type[EventKind]] = {
    "queued": RunQueued,
    "started": RunStarted,
    "stage_timed": StageTimed,
    "sources_retrieved": SourcesRetrieved,
    "tool_called": ToolCalled,
    "tool_returned": ToolReturned,
    "token_batch": TokenBatch,
    "drafted": Drafted,
    "warning_raised": WarningRaised,
    "usage_recorded": UsageRecorded,
    "paused": RunPaused,
    "resumed": RunResumed,
    "draft_discarded": DraftDiscarded,
    "completed": RunCompleted,
}
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_NAMES = {kind: name for name, kind in _KINDS.items()}


def kind_name(kind: EventKind) -> str:
    """The stable name under which this kind of event is stored."""
    return _NAMES[type(kind)]


def encode_kind(kind: EventKind) -> str:
    """The event's content as compact JSON."""
    return _COMPACT.encode(to_plain(kind))


def decode_kind(name: str, payload: str) -> EventKind:
    """Undo `kind_name` and `encode_kind`. Raises NotPlain for what no version ever wrote."""
    if name not in _KINDS:
        raise NotPlain(f"no event is named {name!r}")
    plain: Plain = json.loads(payload)
    return from_plain(_KINDS[name], plain)


def encode_event(event: RunEvent) -> str:
    """One event with its place in the log, for an announcement."""
    parts = [event.sequence, event.create_time.isoformat(), kind_name(event.kind)]
    return json.dumps([*parts, encode_kind(event.kind)], ensure_ascii=False)


def decode_event(text: str) -> RunEvent:
    """Undo `encode_event`."""
    sequence, create_time, name, payload = json.loads(text)
    return RunEvent(
        sequence=sequence,
        create_time=datetime.fromisoformat(create_time),
        kind=decode_kind(name, payload),
    )


def resumed_by(answer: Answer) -> RunResumed:
    """The event that an answer becomes."""
    return RunResumed(
        pause_id=answer.pause_id,
        decision=answer.decision,
        note=answer.note,
        user_id=answer.user_id,
    )


def answer_of(resumed: RunResumed) -> Answer:
    """Undo `resumed_by`."""
    return Answer(
        pause_id=resumed.pause_id,
        decision=resumed.decision,
        note=resumed.note,
        user_id=resumed.user_id,
    )


def answer_mark(answer: Answer) -> Mark:
    """The answer as the run's journal keeps it until the run has read it."""
    payload = encode_kind(resumed_by(answer)).encode()
    return Mark(kind=MarkKind.ANSWER, key=answer.pause_id, payload=payload)


def answer_in(mark: Mark) -> Answer:
    """Undo `answer_mark`."""
    plain: Plain = json.loads(mark.payload)
    return answer_in_plain(plain)


def answer_in_plain(plain: Plain) -> Answer:
    """Undo `resumed_by` made plain. Raises NotPlain."""
    return answer_of(from_plain(RunResumed, plain))
