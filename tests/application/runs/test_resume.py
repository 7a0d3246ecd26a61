"""ResumeRun: whoever may review answers a paused run, once."""

import asyncio
from datetime import timedelta

import pytest

from adapters.memory.clock import FixedClock
from application.ports.clock import Clock
from application.runs.resume import ResumeRun
from domain.errors import InvalidInput
from domain.identifiers import RunId
from domain.runs.event import RunPaused, RunResumed
from domain.runs.pause import Decision, PauseExpired, PauseNotCurrent, PausePolicy
from domain.runs.run import Run, RunNotFound, RunState
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of

PAUSED = RunPaused(pause_id="p-1", prompt="Approve this?")


def _resume(house: House, clock: Clock | None = None) -> ResumeRun:
    return ResumeRun(
        runs=house.stores.runs,
        journal=house.stores.journal,
        fan_out=house.fan_out,
        jobs=house.jobs,
        policy=PausePolicy(),
        clock=clock or house.clock,
    )


async def _paused(house: House) -> Run:
    run = await house.queued()
    claimed = await house.stores.runs.claim(run.space_id, run.run_id)
    await house.stores.log.append(run.space_id, run.run_id, claimed.fence, [PAUSED])
    return run


async def _answer(
    house: House,
    run: Run,
    decision: Decision = Decision.APPROVE,
    *,
    pause_id: str = "p-1",
    note: str = "",
    role: Role = Role.REVIEWER,
) -> Run:
    return await _resume(house)(
        context_of(house.home, role),
        run_id=run.run_id,
        pause_id=pause_id,
        decision=decision,
        note=note,
    )


async def test_an_answered_run_waits_for_a_process_and_one_is_told(house: House) -> None:
    run = await _paused(house)
    async with house.fan_out.subscribe(run.space_id, run.run_id) as subscription:
        answered = await _answer(house, run, note="Go on.")
        (announced,) = await subscription.next(1.0)
    assert (answered.state, answered.pause) == (RunState.QUEUED, None)
    assert announced.kind == RunResumed(
        pause_id="p-1", decision=Decision.APPROVE, note="Go on.", user_id=house.home.owner
    )
    assert (await house.events(run))[-1] == announced
    assert house.jobs.woken == 1


async def test_an_answer_that_comes_after_the_pause_is_over_is_refused(house: House) -> None:
    run = await _paused(house)
    paused = await house.stores.runs.get(run.space_id, run.run_id)
    assert paused.pause is not None
    later = _resume(house, FixedClock(paused.pause.since + timedelta(days=8)))
    with pytest.raises(PauseExpired):
        await later(
            context_of(house.home), run_id=run.run_id, pause_id="p-1", decision=Decision.APPROVE
        )
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.PAUSED


@pytest.mark.parametrize("decision", Decision)
async def test_the_same_decision_again_changes_nothing(house: House, decision: Decision) -> None:
    run = await _paused(house)
    first = await _answer(house, run, decision)
    assert await _answer(house, run, decision, note="And again.") == first
    assert len(await house.events(run)) == 3


async def test_the_other_decision_comes_too_late(house: House) -> None:
    run = await _paused(house)
    await _answer(house, run, Decision.REJECT)
    with pytest.raises(PauseNotCurrent) as refused:
        await _answer(house, run, Decision.APPROVE)
    assert refused.value.reason == "PAUSE_NOT_CURRENT"


async def test_decisions_that_differ_and_come_at_once_leave_one(house: House) -> None:
    run = await _paused(house)
    outcomes = await asyncio.gather(
        *(_answer(house, run, decision) for decision in Decision), return_exceptions=True
    )
    assert sum(isinstance(outcome, PauseNotCurrent) for outcome in outcomes) == 1
    assert sum(isinstance(kind, RunResumed) for kind in await house.kinds(run)) == 1


async def test_a_run_that_does_not_wait_takes_no_answer(house: House) -> None:
    for run in (await house.queued(), await _paused(house)):
        with pytest.raises(PauseNotCurrent):
            await _answer(house, run, pause_id="p-2")


async def test_a_run_that_is_not_here_is_not_found(house: House) -> None:
    with pytest.raises(RunNotFound):
        await _resume(house)(
            context_of(house.home),
            run_id=RunId(house.entropy.uuid()),
            pause_id="p-1",
            decision=Decision.APPROVE,
        )


async def test_who_may_not_review_may_not_answer(house: House) -> None:
    run = await _paused(house)
    with pytest.raises(ActionNotAllowed):
        await _answer(house, run, role=Role.VIEWER)
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.PAUSED


@pytest.mark.parametrize(
    ("pause_id", "note"), [("", ""), ("p-1", "x" * 2001), ("p-1", "a\x00b"), ("p\x00", "")]
)
async def test_an_answer_that_says_too_little_or_too_much_is_refused(
    house: House, pause_id: str, note: str
) -> None:
    run = await _paused(house)
    with pytest.raises(InvalidInput):
        await _answer(house, run, pause_id=pause_id, note=note)
