"""Jobs in this process: owned here, stopped as one."""

import asyncio

import pytest

from adapters.local.jobs import InProcessJobs
from application.jobs import ExecuteRunJob, IngestDocumentJob
from domain.identifiers import DocumentId, RunId, SpaceId
from fixtures.making import new_id

SPACE = SpaceId(new_id())


def _run() -> ExecuteRunJob:
    return ExecuteRunJob(space_id=SPACE, run_id=RunId(new_id()))


async def test_leaving_cancels_what_is_at_work_and_waits_until_it_has_cleaned_up() -> None:
    begun: list[RunId] = []
    cleaned: list[RunId] = []

    async def execute(space: SpaceId, run: RunId) -> None:
        begun.append(run)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)
            cleaned.append(run)

    async def ingest(space: SpaceId, document: DocumentId) -> None:
        await asyncio.Event().wait()

    runs = [_run() for _ in range(4)]
    async with asyncio.timeout(2):
        async with InProcessJobs(runs_at_once=2, ingestions_at_once=1) as jobs:
            jobs.handle(execute_run=execute, ingest_document=ingest)
            for run in runs:
                jobs.submit(run)
            jobs.submit(IngestDocumentJob(space_id=SPACE, document_id=DocumentId(new_id())))
            await asyncio.sleep(0.01)
    assert begun == [run.run_id for run in runs[:2]]
    assert sorted(cleaned) == sorted(begun)


async def test_leaving_while_nothing_is_at_work_is_immediate() -> None:
    async with asyncio.timeout(1), InProcessJobs(runs_at_once=1, ingestions_at_once=1):
        pass


async def test_a_job_before_its_handlers_are_named_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with InProcessJobs(runs_at_once=1, ingestions_at_once=1) as jobs:
        jobs.submit(_run())
        await asyncio.sleep(0.01)
    assert "before their handlers were named" in caplog.text
