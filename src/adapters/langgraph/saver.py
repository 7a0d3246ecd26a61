"""LangGraph's checkpoints as marks in a run's journal, which are kept with the run's events.

Nothing here waits: what is put is said at once, and the run's writer commits it in the group commit
that carries the events of the same step. What is read was read once, before the run went on.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)

from adapters.langgraph.checkpoints import Kept, KeptWrite, Place, place_of
from adapters.langgraph.serializer import PlainSerializer
from domain.runs.journal import Mark


class JournalSaver(BaseCheckpointSaver[int]):
    """A saver for one thread: one run. It keeps the latest checkpoint of each namespace.

    What a task has written is kept where it interrupts the graph; else the checkpoint that follows
    at once holds it. `thorough` keeps every checkpoint and every write, which graphs with nodes
    side by side, and whoever wants to go back in time, would need: ours do neither. Deleting by
    run, copying and pruning threads are not offered: a run's journal goes with the run.
    """

    def __init__(
        self,
        *,
        marks: Iterable[Mark],
        emit: Callable[[Mark], None],
        thorough: bool = False,
    ) -> None:
        super().__init__(serde=PlainSerializer())
        self._kept = Kept(marks, thorough=thorough)
        self._emit = emit
        self._thorough = thorough

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Raises NotPlain, MarkTooLarge."""
        place = place_of(config)
        marks = self._kept.put(
            place, checkpoint, get_checkpoint_metadata(config, metadata), set(new_versions)
        )
        for mark in marks:
            self._emit(mark)
        return _config(place._replace(checkpoint_id=checkpoint["id"]))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Raises NotPlain, MarkTooLarge."""
        # A failure is told in the run's log; its task is done again.
        sound = [(n, c, v) for n, (c, v) in enumerate(writes) if not isinstance(v, BaseException)]
        if not self._thorough and not any(channel in WRITES_IDX_MAP for _, channel, _ in sound):
            return
        place = place_of(config)
        for number, channel, value in sound:
            write = KeptWrite(
                task_id=task_id,
                task_path=task_path,
                place=WRITES_IDX_MAP.get(channel, number),
                channel=channel,
                value=value,
            )
            self._emit(self._kept.put_write(place, write))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return self._kept.get(place_of(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Newest first."""
        found = [
            kept
            for kept in self._kept.all(place_of(config) if config else None)
            if not before or kept.checkpoint["id"] < place_of(before).checkpoint_id
            if all(kept.metadata.get(key) == value for key, value in (filter or {}).items())
        ]
        for kept in found[:limit]:
            yield kept

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget what was read here; the journal itself ends with its run."""
        self._kept.clear()


def _config(place: Place) -> RunnableConfig:
    return {"configurable": place._asdict()}
