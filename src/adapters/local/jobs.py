"""Jobs in this process: bounded side by side, owned here, stopped as one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import ParamSpec

from application.jobs import ExecuteRunJob, IngestDocumentJob, Job
from domain.identifiers import DocumentId, RunId, SpaceId

_log = logging.getLogger(__name__)
P = ParamSpec("P")


class InProcessJobs:
    """Use as an async context manager; leaving it cancels what is at work and waits for it."""

    def __init__(self, *, runs_at_once: int, ingestions_at_once: int) -> None:
        self._run_room = asyncio.Semaphore(runs_at_once)
        self._ingest_room = asyncio.Semaphore(ingestions_at_once)
        self._at_work: dict[RunId, asyncio.Task[None]] = {}
        self._tasks: dict[asyncio.Task[None], Job] = {}
        self._execute: Callable[[SpaceId, RunId], Awaitable[None]] | None = None
        self._ingest: Callable[[SpaceId, DocumentId], Awaitable[None]] | None = None

    def handle(
        self,
        *,
        execute_run: Callable[[SpaceId, RunId], Awaitable[None]],
        ingest_document: Callable[[SpaceId, DocumentId], Awaitable[None]],
    ) -> None:
        """Name the use cases that do the work; called once, before anything is submitted."""
        self._execute = execute_run
        self._ingest = ingest_document

    async def __aenter__(self) -> "InProcessJobs":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in [*self._tasks]:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def submit(self, job: Job) -> None:
        # Owned by `_tasks`: leaving the context cancels each and waits for it.
        task = asyncio.get_running_loop().create_task(self._perform(job))
        self._tasks[task] = job
        task.add_done_callback(self._tasks.pop)

    def cancel_run(self, run: RunId) -> bool:
        at_work = self._at_work.get(run)
        return at_work is not None and at_work.cancel()

    async def stop(self, space: SpaceId) -> int:
        tasks = [task for task, job in self._tasks.items() if job.space_id == space]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return len(tasks)

    async def _perform(self, job: Job) -> None:
        if isinstance(job, IngestDocumentJob):
            async with self._ingest_room:
                ingested = self._named(self._ingest)(job.space_id, job.document_id)
                await self._guarded(job, ingested)
        else:
            async with self._run_room:
                await self._guarded(job, self._execute_run(job))

    async def _execute_run(self, job: ExecuteRunJob) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._at_work[job.run_id] = task
        try:
            await self._named(self._execute)(job.space_id, job.run_id)
        finally:
            self._at_work.pop(job.run_id, None)

    async def _guarded(self, job: Job, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - one job's failure must not end the others
            _log.exception("job failed: %s", job)

    def _named(self, handler: Callable[P, Awaitable[None]] | None) -> Callable[P, Awaitable[None]]:
        if handler is None:
            raise RuntimeError("jobs were submitted before their handlers were named")
        return handler
