"""What a saver has of its thread, and the marks that say each change of it to the run's journal.

A checkpoint is one mark of its own, and one for each channel that has changed: what retrieval found
is written once, and not again with every step.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    writes_sort_key,
)
from langgraph.types import Interrupt

from adapters.langgraph.serializer import pack, unpack
from domain.plain import NotPlain, Plain
from domain.runs.journal import Mark, MarkKind

_INLINE = str | int | float | bool | None


class Place(NamedTuple):
    """Where a checkpoint stands; named as LangGraph's configuration names it."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWrite:
    """What one task has written, and no checkpoint has taken in. `place` orders a task's."""

    task_id: str
    task_path: str
    place: int
    channel: str
    value: Any  # whatever LangGraph hands over; `pack` lets only plain values through


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A checkpoint without the values of its channels; `inline` has the small ones of them."""

    head: Mapping[str, Any]  # LangGraph's own fields of a Checkpoint
    metadata: CheckpointMetadata
    parent: str | None
    inline: Mapping[str, Any]
    channels: tuple[str, ...]


def place_of(config: RunnableConfig) -> Place:
    """Where `config` points; without a checkpoint's id, to the latest."""
    given = config["configurable"]
    return Place(
        str(given["thread_id"]), given.get("checkpoint_ns", ""), given.get("checkpoint_id") or ""
    )


class Kept:
    def __init__(self, marks: Iterable[Mark], *, thorough: bool) -> None:
        self._thorough = thorough
        self._checkpoints: dict[tuple[str, str], _Stored] = {}
        self._values: dict[tuple[str, str], Any] = {}
        self._writes: dict[tuple[str, str], dict[tuple[str, int], KeptWrite]] = {}
        for mark in marks:
            self._load(mark)

    def put(
        self,
        place: Place,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        changed: Set[str],
    ) -> list[Mark]:
        """Take a checkpoint; return the marks that keep it. Raises NotPlain, MarkTooLarge."""
        scope, values = place.checkpoint_ns, checkpoint["channel_values"]
        if not self._thorough:
            self._forget(scope)
        inline = {name: value for name, value in values.items() if isinstance(value, _INLINE)}
        stored = _Stored(
            head={key: value for key, value in checkpoint.items() if key != "channel_values"},
            metadata=metadata,
            parent=place.checkpoint_id or None,
            inline=inline,
            channels=tuple(name for name in values if name not in inline),
        )
        self._checkpoints[scope, checkpoint["id"]] = stored
        marks = []
        for name in stored.channels:
            if name in changed:
                key = self._value_key(name, checkpoint["channel_versions"].get(name))
                self._values[scope, key] = values[name]
                payload = pack(values[name])
                marks.append(Mark(kind=MarkKind.CHANNEL, scope=scope, key=key, payload=payload))
        return [*marks, self._checkpoint_mark(scope, stored)]

    def put_write(self, place: Place, write: KeptWrite) -> Mark:
        """Take a write; return the mark that keeps it. Raises NotPlain, MarkTooLarge."""
        of = self._writes.setdefault((place.checkpoint_ns, place.checkpoint_id), {})
        of[write.task_id, write.place] = write
        return Mark(
            kind=MarkKind.WRITE,
            scope=place.checkpoint_ns,
            key=f"{place.checkpoint_id}/{write.task_id}/{write.place}",
            payload=pack([write.task_path, write.channel, *_plain_write(write.value)]),
        )

    def get(self, place: Place) -> CheckpointTuple | None:
        """The checkpoint there; without an id, the latest of its namespace."""
        found = self.all(place._replace(checkpoint_id=""))
        wanted = place.checkpoint_id
        return next((t for t in found if wanted in ("", t.checkpoint["id"])), None)

    def all(self, place: Place | None) -> Iterator[CheckpointTuple]:
        """Those of a place's namespace, or all; the latest first."""
        for scope, identifier in sorted(self._checkpoints, key=lambda key: key[1], reverse=True):
            if place is None or place.checkpoint_ns == scope:
                yield self._tuple(place, scope, identifier)

    def clear(self) -> None:
        for kept in (self._checkpoints, self._values, self._writes):
            kept.clear()

    def _tuple(self, place: Place | None, scope: str, identifier: str) -> CheckpointTuple:
        stored = self._checkpoints[scope, identifier]
        here = Place(place.thread_id if place else "", scope, identifier)
        versions = stored.head["channel_versions"]
        keys = {name: self._value_key(name, versions.get(name)) for name in stored.channels}
        values = {
            name: self._values[scope, key]
            for name, key in keys.items()
            if (scope, key) in self._values
        }
        writes = sorted(
            self._writes.get((scope, identifier), {}).values(),
            key=lambda write: writes_sort_key(write.task_path, write.task_id, write.place),
        )
        return CheckpointTuple(
            config={"configurable": here._asdict()},
            checkpoint=_checkpoint(stored.head, {**stored.inline, **values}),
            metadata=stored.metadata,
            parent_config={"configurable": here._replace(checkpoint_id=stored.parent)._asdict()}
            if stored.parent
            else None,
            pending_writes=[(write.task_id, write.channel, write.value) for write in writes],
        )

    def _forget(self, scope: str) -> None:
        for kept in (self._checkpoints, self._writes):
            for key in [key for key in kept if key[0] == scope]:
                del kept[key]

    def _value_key(self, channel: str, version: object) -> str:
        return f"{channel}@{version}" if self._thorough else channel

    def _checkpoint_mark(self, scope: str, stored: _Stored) -> Mark:
        payload = pack(
            [stored.head, stored.metadata, stored.parent, stored.inline, stored.channels]
        )
        key = str(stored.head["id"]) if self._thorough else ""
        return Mark(kind=MarkKind.CHECKPOINT, scope=scope, key=key, payload=payload)

    def _load(self, mark: Mark) -> None:
        if mark.kind is MarkKind.CHECKPOINT:
            stored = _stored(unpack(mark.payload))
            self._checkpoints[mark.scope, str(stored.head["id"])] = stored
        elif mark.kind is MarkKind.CHANNEL:
            self._values[mark.scope, mark.key] = unpack(mark.payload)
        elif mark.kind is MarkKind.WRITE:
            checkpoint_id, task_id, place = mark.key.split("/")
            write = _write(task_id, int(place), unpack(mark.payload))
            of = self._writes.setdefault((mark.scope, checkpoint_id), {})
            of[task_id, write.place] = write


def _checkpoint(head: Mapping[str, Any], values: Mapping[str, Any]) -> Checkpoint:
    whole: Any = {**head, "channel_values": values}  # `head` has LangGraph's own other fields
    checkpoint: Checkpoint = whole
    return checkpoint


def _stored(plain: Plain) -> _Stored:
    match plain:
        case [dict(head), dict(metadata), None | str() as parent, dict(inline), list(channels)]:
            return _Stored(
                head=head,
                metadata=metadata,  # type: ignore[arg-type]  # LangGraph's own, as it was given
                parent=parent,
                inline=inline,
                channels=tuple(map(str, channels)),
            )
    raise NotPlain("not a checkpoint")


def _plain_write(value: Any) -> tuple[bool, object]:  # whatever LangGraph hands over
    """Whether it is what interrupted a graph, and its plain form."""
    if isinstance(value, tuple | list) and value and all(isinstance(v, Interrupt) for v in value):
        return True, [[interrupt.value, interrupt.id] for interrupt in value]
    return False, value


def _write(task_id: str, place: int, plain: Plain) -> KeptWrite:
    match plain:
        case [str(task_path), str(channel), True, list(interrupts)]:
            value: object = tuple(_interrupt(interrupt) for interrupt in interrupts)
        case [str(task_path), str(channel), False, value]:
            pass
        case _:
            raise NotPlain("not a write")
    return KeptWrite(
        task_id=task_id, task_path=task_path, place=place, channel=channel, value=value
    )


def _interrupt(plain: Plain) -> Interrupt:
    match plain:
        case [value, str(identifier)]:
            return Interrupt(value=value, id=identifier)
    raise NotPlain("not an interrupt")
