"""Which runs and documents this process takes up, and how the others know that it lives."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from uuid import UUID

from application.jobs import IngestDocumentJob
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.workers import Workers
from application.runs.at_work import AtWork, ended
from application.runs.crew import KEPT_PLACES, Crew
from application.runs.park import ParkRun
from application.runs.park_document import park_document
from domain.errors import Unavailable
from domain.identifiers import DocumentId, RunId, SpaceId, WorkerId
from domain.runs.admission import RunLimits
from domain.runs.lease import BEAT_SECONDS, LEASE_SECONDS, HeldRun
from domain.runs.run import FenceLost, Run, RunNotFound

_log = logging.getLogger(__name__)
Execute = Callable[[Run], Awaitable[None]]
Ingest = Callable[[IngestDocumentJob], Awaitable[None]]


class Dispatcher:
    """Use as an async context manager: it beats and takes up work until it is left.

    Leaving it stops what is at work here and hands it back, so that others go on with it.
    """

    def __init__(
        self,
        *,
        crew: Crew,
        workers: Workers,
        documents: DocumentStore,
        execute: Execute,
        ingest: Ingest,
        park: ParkRun,
        limits: RunLimits,
        clock: Clock,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._crew = crew
        self._workers = workers
        self._documents = documents
        self._execute = execute
        self._ingest = ingest
        self._park = park
        self._limits = limits
        self._clock = clock
        self._beat_seconds = beat_seconds
        self._runs_wanted = asyncio.Event()
        self._documents_wanted = asyncio.Event()
        self._running = AtWork(crew.runs_at_once, self._runs_wanted.set)
        self._reading = AtWork(crew.reading_places, self._documents_wanted.set)
        self._backlog = False
        self._leaving = False
        self._loops: list[asyncio.Task[None]] = []
        # Runs that this process and the database did not agree on at the last beat.
        self._lost: Mapping[UUID, int] = {}
        self._strays: frozenset[HeldRun] = frozenset()
        # Those of them, by id and fence, whose work broke although nothing was away.
        self._broken: set[tuple[UUID, int]] = set()
        self._broken_readings: set[DocumentId] = set()
        self._last_beat = 0.0
        self._cut_off_at = -math.inf
        self._trust_from = 0.0

    async def __aenter__(self) -> "Dispatcher":
        await self._workers.beat(self._crew.worker_id, self._crew.kind)
        self._last_beat = self._clock.monotonic()
        loop = asyncio.get_running_loop()
        loops = (
            self._live(),
            self._serve(self._runs_wanted, self._claim_runs),
            self._serve(self._documents_wanted, self._claim_documents),
        )
        # Owned here: cancelled and awaited on the way out.
        self._loops = [loop.create_task(coroutine) for coroutine in loops]
        await self._reap()
        self.wake()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving = True
        heart, *claiming = self._loops
        await ended(claiming)
        # It goes on to beat until the last one has written what it had to.
        await self._running.stop()
        await self._reading.stop()
        await ended([heart])
        try:
            await self._workers.leave(self._crew.worker_id)
        except Unavailable as unavailable:
            _log.warning("what was at work here is taken up later: %s", unavailable.message)

    def reserve(self) -> WorkerId | None:
        if self._leaving or self._backlog or not self._running.free:
            return None
        self._running.promise(1)
        return self._crew.worker_id

    def begin(self, run: Run) -> None:
        self.release()
        self._take_up(run)

    def release(self) -> None:
        self._running.promise(-1)

    def wake(self) -> None:
        self._runs_wanted.set()
        self._documents_wanted.set()

    def cancel_run(self, run: RunId) -> bool:
        return self._running.cancel(run)

    async def stop(self, space: SpaceId) -> int:
        return await self._running.stop(space) + await self._reading.stop(space)

    def _take_up(self, run: Run) -> None:
        if not self._leaving:
            self._running.begin(
                run.space_id,
                run.run_id,
                run.fence,
                lambda: self._guarded(self._perform(run), run.run_id),
            )

    async def _perform(self, run: Run) -> None:
        began = self._clock.monotonic()
        try:
            with suppress(FenceLost, RunNotFound):
                if due := await self._park(run):
                    await self._execute(due)
        except Exception as error:
            # Only the beats can tell that it was the database, and not this run alone.
            if not isinstance(error, Unavailable) or self._cut_off_at < began:
                self._broken.add((run.run_id, run.fence))
            raise

    def _read(self, job: IngestDocumentJob, attempts: int) -> None:
        if not self._leaving:
            self._reading.begin(
                job.space_id,
                job.document_id,
                job.fence,
                lambda: self._guarded(self._perform_reading(job, attempts), job.document_id),
            )

    async def _perform_reading(self, job: IngestDocumentJob, attempts: int) -> None:
        tries = self._limits.attempts
        if attempts <= tries:
            await self._try_reading(job)
            return
        await park_document(self._documents, job, tries)

    async def _try_reading(self, job: IngestDocumentJob) -> None:
        began = self._clock.monotonic()
        try:
            await self._ingest(job)
        except BaseException as error:
            # A document that keeps this process from beating is cancelled too.
            stopped = isinstance(error, Unavailable | asyncio.CancelledError)
            if not stopped or self._cut_off_at < began:
                self._broken_readings.add(job.document_id)
            raise

    async def _guarded(self, work: Awaitable[None], what: UUID) -> None:
        try:
            await work
        except Unavailable as unavailable:
            _log.warning("%s is left to be taken up again: %s", what, unavailable.message)
        except Exception:  # noqa: BLE001 - one failure must not end the others
            _log.exception("work failed: %s", what)

    async def _serve(self, wanted: asyncio.Event, claim: Callable[[], Awaitable[None]]) -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            try:
                await claim()
            except Unavailable as unavailable:
                _log.debug("no work is taken up: %s", unavailable.message)
            except Exception:  # noqa: BLE001 - the next beat tries again
                _log.exception("no work is taken up")

    async def _claim_runs(self) -> None:
        while asked := self._asked():
            self._running.promise(asked)
            try:
                runs = await self._workers.claim_runs(
                    self._crew.worker_id, asked, running_limit=self._limits.running
                )
            finally:
                self._running.promise(-asked)
            for run in runs:
                self._take_up(run)
            self._backlog = len(runs) == asked
            if not self._backlog:
                return

    def _asked(self) -> int:
        """All places when older runs wait for them; else one, and new runs may have the others."""
        return self._running.free if self._backlog else min(self._running.free, 1)

    async def _claim_documents(self) -> None:
        free = self._reading.free
        if not free or self._clock.monotonic() < self._trust_from:
            return
        here = [DocumentId(key) for key in self._reading.marks]
        for job, attempts in await self._workers.claim_documents(
            self._crew.worker_id,
            free,
            at_work=here,
            broken=tuple(self._broken_readings),
            kept=KEPT_PLACES,
        ):
            self._broken_readings.discard(job.document_id)
            self._read(job, attempts)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(self._beat_seconds)
            try:
                await self._beat()
                await self._reap()
            except Unavailable as unavailable:
                _log.warning("this process does not reach the others: %s", unavailable.message)
            except Exception:  # noqa: BLE001 - a heart that stops for one fault loses all work
                _log.exception("a beat failed")
            self.wake()

    async def _beat(self) -> None:
        known = self._running.marks
        broken = frozenset(self._broken)
        began = self._clock.monotonic()
        try:
            held = await self._workers.beat(
                self._crew.worker_id,
                self._crew.kind,
                was_cut_off=self._cut_off_at >= self._last_beat,
            )
        except Unavailable:
            self._cut_off_at = self._clock.monotonic()
            raise
        if began - self._last_beat > LEASE_SECONDS:
            # Whatever kept this process from beating may have kept the others too: let them first.
            self._trust_from = began + LEASE_SECONDS
            await self._reading.stop()
        self._last_beat = began
        self._compare(known, held)
        await self._let_strays_go(known, held)
        self._broken -= broken - {(run.run_id, run.fence) for run in held}

    async def _reap(self) -> None:
        if self._clock.monotonic() >= self._trust_from and (count := await self._workers.reap()):
            _log.warning("%d runs of a process that is gone wait again", count)

    def _compare(self, known: Mapping[UUID, int], held: tuple[HeldRun, ...]) -> None:
        """Stop what is to stop, and what this process has lost without having ended it."""
        for run in held:
            if run.cancel_reason is not None:
                self._running.cancel(run.run_id)
        fences: Mapping[UUID, int] = {run.run_id: run.fence for run in held}
        lost = {key: mark for key, mark in known.items() if fences.get(key) != mark}
        for key, mark in lost.items():
            # For one beat it may just have ended, and be cleaning up.
            if self._lost.get(key) == mark and self._running.marks.get(key) == mark:
                self._running.cancel(key)
        self._lost = lost

    async def _let_strays_go(self, known: Mapping[UUID, int], held: tuple[HeldRun, ...]) -> None:
        """Runs that this process has and is not at work on, for two beats at least.

        Their attempt is spent when their work broke, and not when the news of them never came or
        the database was away: then nothing speaks against them.
        """
        strays = frozenset(run for run in held if known.get(run.run_id) != run.fence)
        for run in strays & self._strays:
            if self._running.marks.get(run.run_id) != run.fence:
                spent = (run.run_id, run.fence) in self._broken
                await self._workers.release(run, spent=spent)
        self._strays = strays
