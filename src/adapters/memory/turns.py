"""Whose turn it is among the runs in memory."""

from dataclasses import replace

from adapters.memory.state import MemoryState
from domain.identifiers import RunId, SpaceId, WorkerId
from domain.runs.run import CancelReason, Run, RunState


def count(state: MemoryState, space: SpaceId, which: RunState) -> int:
    """How many runs of a space are in a state."""
    return sum(run.state is which for run in of_space(state, space))


def of_space(state: MemoryState, space: SpaceId) -> tuple[Run, ...]:
    """The runs of a space, oldest first."""
    mine = [run for (owner, _), run in state.runs.items() if owner == space]
    return tuple(sorted(mine, key=lambda run: run.run_id))


def unended_before(state: MemoryState, run: Run) -> tuple[Run, ...]:
    """Other runs of its conversation that have not ended, but for those that only need ending."""
    return tuple(
        other
        for other in of_space(state, run.space_id)
        if run.question.conversation_id is not None
        and other.question.conversation_id == run.question.conversation_id
        and other.run_id != run.run_id
        and other.state is not RunState.ENDED
        and not (other.state is RunState.QUEUED and other.cancel_requested)
    )


def claimable(state: MemoryState, space: SpaceId) -> tuple[Run, ...]:
    """Queued runs of a space whose turn it could be, oldest first."""
    return tuple(
        run
        for run in of_space(state, space)
        if run.state is RunState.QUEUED and (run.cancel_requested or not _waits(state, run))
    )


def taken_up(run: Run, worker: WorkerId | None) -> Run:
    """The run with a new only writer."""
    return replace(
        run,
        state=RunState.RUNNING,
        fence=run.fence + 1,
        attempts=run.attempts + 1,
        worker_id=worker,
    )


def to_stop(run: Run, reason: CancelReason) -> Run:
    """The run, marked; one that is paused waits for whoever ends it."""
    paused = run.state is RunState.PAUSED
    return replace(
        run,
        cancel_requested=True,
        cancel_reason=run.cancel_reason or reason,
        state=RunState.QUEUED if paused else run.state,
    )


def release(state: MemoryState, space: SpaceId, run: RunId, fence: int, *, spent: bool) -> None:
    """Let a running run wait again, if it still has that fence."""
    kept = state.runs.get((space, run))
    if kept is None or kept.state is not RunState.RUNNING or kept.fence != fence:
        return
    attempts = kept.attempts if spent else max(kept.attempts - 1, 0)
    state.runs[space, run] = replace(kept, state=RunState.QUEUED, worker_id=None, attempts=attempts)


def came_before(state: MemoryState, one: Run, other: Run) -> bool:
    """Whether the one was asked before the other, in their conversation."""
    return state.turns[one.space_id, one.run_id] < state.turns[other.space_id, other.run_id]


def _waits(state: MemoryState, run: Run) -> bool:
    return any(
        other.state is not RunState.QUEUED or came_before(state, other, run)
        for other in unended_before(state, run)
    )
