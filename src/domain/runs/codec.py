"""Events as JSON text: how the log stores them and how processes announce them to each other."""

import json
from datetime import datetime

from domain.plain import NotPlain, Plain, from_plain, to_plain
from domain.runs.event import (
    Drafted,
    EventKind,
    RunCompleted,
    RunEvent,
    RunQueued,
    RunStarted,
    SourcesRetrieved,
    StageTimed,
    TokenBatch,
    ToolCalled,
    ToolReturned,
    UsageRecorded,
    WarningRaised,
)

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
    "completed": RunCompleted,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def kind_name(kind: EventKind) -> str:
    """The stable name under which this kind of event is stored."""
    return _NAMES[type(kind)]


def encode_kind(kind: EventKind) -> str:
    """The event's content as compact JSON."""
    return json.dumps(to_plain(kind), ensure_ascii=False, separators=(",", ":"))


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
