"""The processes that share what lies in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.memory import turns
from adapters.memory.state import MemoryState
from application.jobs import IngestDocumentJob
from application.ports.clock import Clock
from domain.documents.document import Document
from domain.identifiers import DocumentId, SpaceId, WorkerId
from domain.runs.lease import LEASE_SECONDS, HeldRun, WorkerKind
from domain.runs.run import CancelReason, Run, RunState


class MemoryWorkers:
    def __init__(
        self,
        state: MemoryState,
        clock: Clock,
        *,
        lease: timedelta = timedelta(seconds=LEASE_SECONDS),
    ) -> None:
        self._state = state
        self._clock = clock
        self._lease = lease

    async def beat(
        self, worker: WorkerId, kind: WorkerKind, *, was_cut_off: bool = False
    ) -> tuple[HeldRun, ...]:
        if was_cut_off:
            self._forgive(worker)
        self._state.workers[worker] = self._clock.now() + self._lease
        return tuple(
            HeldRun(
                space_id=run.space_id,
                run_id=run.run_id,
                fence=run.fence,
                cancel_reason=_reason(run),
            )
            for run in self._running()
            if run.worker_id == worker
        )

    async def reap(self) -> int:
        stranded = [run for run in self._running() if not self._alive(run.worker_id)]
        for run in stranded:
            turns.release(self._state, run.space_id, run.run_id, run.fence, spent=True)
            if run.worker_id is not None:
                self._state.lost[run.space_id, run.run_id] = run.worker_id
        return len(stranded)

    async def claim_runs(
        self, worker: WorkerId, room: int, *, running_limit: int
    ) -> tuple[Run, ...]:
        claimed: list[Run] = []
        while len(claimed) < room:
            waiting = [
                (turns.count(self._state, space, RunState.RUNNING), runs[0].run_id, runs[0])
                for space in {space for space, _ in self._state.runs}
                if (runs := turns.claimable(self._state, space))
                and turns.count(self._state, space, RunState.RUNNING) < running_limit
            ]
            if not waiting:
                break
            run = min(waiting, key=lambda place: place[:2])[2]
            claimed.append(turns.taken_up(run, worker))
            self._state.runs[run.space_id, run.run_id] = claimed[-1]
        return tuple(claimed)

    async def claim_documents(
        self,
        worker: WorkerId,
        room: int,
        *,
        at_work: Sequence[DocumentId],
        broken: Sequence[DocumentId] = (),
        kept: int = 0,
    ) -> tuple[tuple[IngestDocumentJob, int], ...]:
        def busy(document: Document) -> bool:
            holder, _ = self._held(document)
            if holder == worker:
                return document.document_id in at_work
            return self._alive(holder)

        def waits(document: Document) -> bool:
            time = self._state.postponed.get((document.space_id, document.document_id))
            return time is not None and time > self._clock.now() and not busy(document)

        unfinished = [
            d for d in self._state.documents.values() if not (d.state.is_final or waits(d))
        ]
        turns = [one for one in _in_turns(unfinished, busy) if not busy(one[1])]
        claimed = [d for n, (place, d) in enumerate(turns) if place == 1 or n < room - kept][:room]
        return tuple(self._take(d, worker, d.document_id in broken) for d in claimed)

    async def release(self, held: HeldRun, *, spent: bool) -> None:
        turns.release(self._state, held.space_id, held.run_id, held.fence, spent=spent)

    async def leave(self, worker: WorkerId) -> None:
        for run in self._running():
            if run.worker_id == worker:
                turns.release(self._state, run.space_id, run.run_id, run.fence, spent=False)
        for key, (holder, attempts) in self._state.ingestions.items():
            if holder == worker:
                self._state.ingestions[key] = None, max(attempts - 1, 0)
        self._state.workers.pop(worker, None)

    def _forgive(self, worker: WorkerId) -> None:
        for key in [key for key, holder in self._state.lost.items() if holder == worker]:
            del self._state.lost[key]
            run = self._state.runs.get(key)
            if run is not None and run.state is not RunState.ENDED:
                self._state.runs[key] = replace(run, attempts=max(run.attempts - 1, 0))

    def _running(self) -> list[Run]:
        return [run for run in self._state.runs.values() if run.state is RunState.RUNNING]

    def _alive(self, worker: WorkerId | None) -> bool:
        if worker is None or worker not in self._state.workers:
            return False
        return self._state.workers[worker] > self._clock.now()

    def _held(self, document: Document) -> tuple[WorkerId | None, int]:
        return self._state.ingestions.get((document.space_id, document.document_id), (None, 0))

    def _take(
        self, document: Document, worker: WorkerId, broke: bool
    ) -> tuple[IngestDocumentJob, int]:
        key, (holder, attempts) = (document.space_id, document.document_id), self._held(document)
        attempts += holder != worker or broke
        self._state.ingestions[key] = worker, attempts
        self._state.documents[key] = replace(document, fence=document.fence + 1)
        return _job(self._state.documents[key]), attempts


def _reason(run: Run) -> CancelReason | None:
    return (run.cancel_reason or CancelReason.USER) if run.cancel_requested else None


def _job(document: Document) -> IngestDocumentJob:
    return IngestDocumentJob(
        space_id=document.space_id, document_id=document.document_id, fence=document.fence
    )


def _in_turns(
    documents: Iterable[Document], busy: Callable[[Document], bool]
) -> list[tuple[int, Document]]:
    """Of each space the first, then of each the second, with that place; those at work count as
    first."""
    places: dict[SpaceId, int] = {}
    placed: list[tuple[int, Document]] = []
    for document in sorted(documents, key=lambda d: (not busy(d), d.document_id)):
        places[document.space_id] = places.get(document.space_id, 0) + 1
        placed.append((places[document.space_id], document))
    return sorted(placed, key=lambda one: (one[0], one[1].document_id))
