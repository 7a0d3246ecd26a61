"""The contract of `Pauses`, on every adapter."""

from datetime import datetime, timedelta

from domain.identifiers import RunId, UserId, WorkerId
from domain.runs.event import RunPaused
from domain.runs.pause import Answer, Decision
from domain.runs.run import CancelReason, Run, RunState
from fixtures.making import Home, new_id, run
from fixtures.stores import Stores

MOMENT = timedelta(microseconds=1)
PAUSED = RunPaused(pause_id="p-1", prompt="Approve this?")


async def _paused(stores: Stores, home: Home) -> Run:
    made = (await stores.runs.create(run(home), None)).run
    claimed = await stores.runs.claim(home.space, made.run_id)
    await stores.log.append(home.space, made.run_id, claimed.fence, [PAUSED])
    return await stores.runs.get(home.space, made.run_id)


def _since(one: Run) -> datetime:
    assert one.pause is not None
    return one.pause.since


async def _states(stores: Stores, *runs: Run) -> list[RunState]:
    return [(await stores.runs.get(one.space_id, one.run_id)).state for one in runs]


async def test_a_run_that_waited_for_too_long_is_to_stop_and_says_why(
    stores: Stores, home: Home
) -> None:
    one = await _paused(stores, home)
    assert await stores.pauses.expire(_since(one), 10) == 0
    assert await _states(stores, one) == [RunState.PAUSED]
    assert await stores.pauses.expire(_since(one) + MOMENT, 10) == 1
    assert await stores.pauses.expire(_since(one) + MOMENT, 10) == 0
    (claimed,) = await stores.workers.claim_runs(WorkerId(new_id()), 10, running_limit=10)
    assert (claimed.run_id, claimed.cancel_requested) == (one.run_id, True)
    assert claimed.cancel_reason is CancelReason.EXPIRED


async def test_what_has_expired_can_be_answered_no_more(stores: Stores, home: Home) -> None:
    one = await _paused(stores, home)
    await stores.pauses.expire(_since(one) + MOMENT, 10)
    answer = Answer(pause_id="p-1", decision=Decision.APPROVE, user_id=UserId(new_id()))
    assert await stores.journal.answer(home.space, one.run_id, answer) is None


async def test_runs_that_do_not_wait_are_let_alone(stores: Stores, home: Home) -> None:
    answered, stopping = await _paused(stores, home), await _paused(stores, home)
    queued = (await stores.runs.create(run(home), None)).run
    later = max(_since(answered), _since(stopping)) + MOMENT
    answer = Answer(pause_id="p-1", decision=Decision.APPROVE, user_id=UserId(new_id()))
    await stores.journal.answer(home.space, answered.run_id, answer)
    await stores.runs.request_cancel(home.space, stopping.run_id)
    assert await stores.pauses.expire(later, 10) == 0
    assert await _states(stores, answered, stopping, queued) == [RunState.QUEUED] * 3
    reasons = [
        (await stores.runs.get(home.space, one.run_id)).cancel_reason
        for one in (answered, stopping, queued)
    ]
    assert reasons == [None, CancelReason.USER, None]


async def test_so_many_at_once_of_all_spaces(stores: Stores, home: Home, away: Home) -> None:
    runs = [await _paused(stores, where) for where in (home, away, home)]
    later = max(map(_since, runs)) + MOMENT
    assert [await stores.pauses.expire(later, 2) for _ in range(3)] == [2, 1, 0]
    assert await _states(stores, *runs) == [RunState.QUEUED] * 3


async def test_a_second_pause_has_its_own_time(stores: Stores, home: Home) -> None:
    one = await _paused(stores, home)
    answer = Answer(pause_id="p-1", decision=Decision.APPROVE, user_id=UserId(new_id()))
    await stores.journal.answer(home.space, one.run_id, answer)
    claimed = await stores.runs.claim(home.space, RunId(one.run_id))
    again = RunPaused(pause_id="p-2", prompt="And this?")
    (told,) = await stores.log.append(home.space, one.run_id, claimed.fence, [again])
    assert _since(await stores.runs.get(home.space, one.run_id)) == told.create_time
