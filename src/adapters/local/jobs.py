"""Jobs in this process: bounded side by side, owned here, stopped as one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from application.jobs import ExecuteRunJob, IngestDocumentJob, Job
from domain.identifiers import DocumentId, RunId, SpaceId

_log = logging.getLogger(__name__)


class InProcessJobs:
    """Use as an async context manager; leaving it cancels what is at work and waits for it."""

    def __init__(self, *, runs_at_once: int, ingestions_at_once: int) -> None:
        self._run_room = asyncio.Semaphore(runs_at_once)
        self._ingest_room = asyncio.Semaphore(ingestions_at_once)
        self._runs: dict[RunId, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
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
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def submit(self, job: Job) -> None:
        # Owned by `_tasks`: leaving the context cancels each and waits for it.
        task = asyncio.get_running_loop().create_task(self._perform(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if isinstance(job, ExecuteRunJob):
            self._runs[job.run_id] = task
            task.add_done_callback(lambda _: self._runs.pop(job.run_id, None))

    def cancel_run(self, run: RunId) -> None:
        task = self._runs.get(run)
        if task is not None:
            task.cancel()

    async def _perform(self, job: Job) -> None:
        try:
            await self._dispatch(job)
        except Exception:  # noqa: BLE001 - one job's failure must not end the others
            _log.exception("job failed: %s", job)

    async def _dispatch(self, job: Job) -> None:
        if self._execute is None or self._ingest is None:
            raise RuntimeError("jobs were submitted before their handlers were named")
        if isinstance(job, IngestDocumentJob):
            async with self._ingest_room:
                await self._ingest(job.space_id, job.document_id)
        else:
            async with self._run_room:
                await self._execute(job.space_id, job.run_id)
