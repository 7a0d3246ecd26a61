"""What one append asks for and what comes of it, and many of them as one statement's arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

from domain.identifiers import RunId, SpaceId
from domain.runs.codec import encode_kind, kind_name
from domain.runs.event import EVENT_VERSION, Drafted, EventKind, RunCompleted, RunPaused
from domain.runs.journal import Mark

Key: TypeAlias = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Append:
    """Events of one run as text, and what it is to remember.

    `message` is the id of the answer, where there is one.
    """

    space: SpaceId
    run: RunId
    fence: int
    kinds: tuple[str, ...]
    payloads: tuple[str, ...]
    marks: tuple[Mark, ...]
    reason: str | None
    pause: RunPaused | None
    answer: str | None
    message: UUID | None

    @property
    def key(self) -> Key:
        return self.space, self.run

    @property
    def characters(self) -> int:
        return sum(map(len, self.payloads)) + sum(len(mark.payload) for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the events of an append now stand in their run's log, and since when."""

    first_sequence: int
    create_time: datetime


def append_of(
    space: SpaceId,
    run: RunId,
    fence: int,
    kinds: Sequence[EventKind],
    new_id: Callable[[], UUID],
    marks: Sequence[Mark] = (),
) -> Append:
    """The events as the log keeps them."""
    reasons = [kind.reason.value for kind in kinds if isinstance(kind, RunCompleted)]
    pauses = [kind for kind in kinds if isinstance(kind, RunPaused)]
    # Text columns cannot hold NUL; the log itself keeps it, escaped.
    answers = [kind.text.replace("\x00", "") for kind in kinds if isinstance(kind, Drafted)]
    return Append(
        space=space,
        run=run,
        fence=fence,
        kinds=tuple([kind_name(kind) for kind in kinds]),
        payloads=tuple([encode_kind(kind) for kind in kinds]),
        marks=tuple(marks),
        reason=reasons[0] if reasons else None,
        pause=pauses[-1] if pauses else None,
        answer=answers[0] if answers else None,
        message=new_id() if answers else None,
    )


def arguments(group: Sequence[Append]) -> tuple[object, ...]:
    """Those of `append_many`: the appends sorted by their space, and their events in that order."""
    ordered = sorted(group, key=attrgetter("space"))
    spaces = [(space, list(mine)) for space, mine in groupby(ordered, key=attrgetter("space"))]
    return (
        [space for space, _ in spaces],
        [len(mine) for _, mine in spaces],
        [sum(len(append.kinds) for append in mine) for _, mine in spaces],
        [sum(len(append.marks) for append in mine) for _, mine in spaces],
        [append.run for append in ordered],
        [append.fence for append in ordered],
        [len(append.kinds) for append in ordered],
        [append.reason for append in ordered],
        [append.pause.pause_id if append.pause else None for append in ordered],
        [append.pause.prompt if append.pause else None for append in ordered],
        [append.answer for append in ordered],
        [append.message for append in ordered],
        EVENT_VERSION,
        [append.run for append in ordered for _ in append.kinds],
        [place for append in ordered for place in range(len(append.kinds))],
        [kind for append in ordered for kind in append.kinds],
        [payload for append in ordered for payload in append.payloads],
        *_marks([(append.run, mark) for append in ordered for mark in append.marks]),
    )


def _marks(marks: Sequence[tuple[RunId, Mark]]) -> tuple[list[object], ...]:
    return (
        [run for run, _ in marks],
        [mark.kind.value for _, mark in marks],
        [mark.scope for _, mark in marks],
        [mark.key for _, mark in marks],
        [mark.payload for _, mark in marks],
    )
