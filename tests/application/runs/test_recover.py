"""Recover: what an earlier process left behind."""

from application.jobs import ExecuteRunJob, IngestDocumentJob
from application.ports.recovery import Recovery
from application.runs.recover import Recover
from domain.identifiers import RunId
from domain.runs.event import RunCompleted
from domain.runs.run import RunState, TerminationReason
from fixtures.house import House
from fixtures.making import document, new_id


def _recover(house: House, recovery: Recovery | None = None) -> Recover:
    return Recover(
        recovery=recovery or house.stores.recovery,
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        jobs=house.jobs,
        clock=house.clock,
    )


async def test_queued_runs_and_unfinished_documents_start_again(house: House) -> None:
    run, waiting = await house.queued(), document(house.home)
    await house.stores.documents.add(waiting)
    await _recover(house)()
    assert house.jobs.submitted == [
        IngestDocumentJob(space_id=waiting.space_id, document_id=waiting.document_id),
        ExecuteRunJob(space_id=run.space_id, run_id=run.run_id),
    ]
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.QUEUED


async def test_a_run_that_was_at_work_ends_and_says_that_the_server_stopped(house: House) -> None:
    run = await house.queued()
    await house.stores.runs.claim(run.space_id, run.run_id)
    await _recover(house)()
    last = (await house.kinds(run))[-1]
    assert isinstance(last, RunCompleted)
    assert last.reason is TerminationReason.ERROR
    assert "the server stopped" in last.detail
    assert house.jobs.submitted == []


async def test_a_run_that_was_being_cancelled_ends_as_cancelled(house: House) -> None:
    run = await house.queued()
    await house.stores.runs.claim(run.space_id, run.run_id)
    await house.stores.runs.request_cancel(run.space_id, run.run_id)
    await _recover(house)()
    assert (await house.kinds(run))[-1] == RunCompleted(reason=TerminationReason.CANCELLED)


async def test_what_has_ended_is_let_alone(house: House) -> None:
    run = await house.queued()
    await house.stores.runs.claim(run.space_id, run.run_id)
    await _recover(house)()
    before = await house.events(run)
    await _recover(house)()
    assert await house.events(run) == before


class _Behind:
    """Tells of runs that have been ended, or are gone, since it looked."""

    def __init__(self, *jobs: ExecuteRunJob) -> None:
        self._jobs = jobs

    async def unfinished_runs(self) -> tuple[ExecuteRunJob, ...]:
        return self._jobs

    async def unfinished_documents(self) -> tuple[IngestDocumentJob, ...]:
        return ()


async def test_a_run_that_another_process_ends_meanwhile_keeps_nobody_from_starting(
    house: House,
) -> None:
    ended, waiting = await house.queued(), await house.queued()
    await house.stores.runs.claim(ended.space_id, ended.run_id)
    await _recover(house)()
    jobs = [
        ExecuteRunJob(space_id=house.home.space, run_id=run_id)
        for run_id in (ended.run_id, RunId(new_id()), waiting.run_id)
    ]
    house.jobs.submitted.clear()
    await _recover(house, _Behind(*jobs))()
    assert house.jobs.submitted == [jobs[-1]]
