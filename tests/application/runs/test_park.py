"""ParkRun: what has become of a run while its last holder was given time to say that it lives."""

import pytest

from adapters.local.clock import SystemClock
from adapters.local.fan_out import InProcessFanOut
from application.runs.end import EndRun
from application.runs.park import ParkRun
from domain.identifiers import WorkerId
from domain.runs.admission import RunLimits
from domain.runs.lease import WorkerKind
from domain.runs.run import FenceLost, RunState
from fixtures.making import new_home, new_id, run
from fixtures.stores import memory_stores


async def test_a_run_that_another_process_has_taken_up_meanwhile_is_left_to_it() -> None:
    stores = memory_stores()
    home = await new_home(stores.tenancy)
    before, slow = WorkerId(new_id()), WorkerId(new_id())
    made = (await stores.runs.create(run(home), None, claim_for=before)).run
    await stores.fleeting.reap()
    (mine,) = await stores.workers.claim_runs(slow, 1, running_limit=1)
    await stores.workers.beat(before, WorkerKind.SERVER, was_cut_off=True)
    await stores.fleeting.reap()
    theirs = await stores.runs.claim(home.space, made.run_id, WorkerId(new_id()))
    await stores.workers.beat(slow, WorkerKind.SERVER, was_cut_off=True)
    end = EndRun(runs=stores.runs, log=stores.log, fan_out=InProcessFanOut(), clock=SystemClock())
    once = RunLimits(attempts=1)
    park = ParkRun(runs=stores.runs, end=end, limits=once, patience_seconds=0)
    with pytest.raises(FenceLost):
        await park(mine)
    current = await stores.runs.get(home.space, made.run_id)
    assert (current.state, current.fence) == (RunState.RUNNING, theirs.fence)
