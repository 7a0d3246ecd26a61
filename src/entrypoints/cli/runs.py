"""`obelisk runs`."""

from rich.table import Column, Table
from rich.text import Text

from domain.errors import FailedPrecondition
from entrypoints.cli.answer import AnswerView
from entrypoints.cli.spaces import client, enter
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2


class RunNotPaused(FailedPrecondition):
    reason = "RUN_NOT_PAUSED"


async def runs(
    settings: Settings, server: str, space: str | None, run_id: str | None, *, cancel: bool
) -> None:
    """List the latest runs, replay one, or stop one."""
    async with client(settings, server) as obelisk:
        await enter(obelisk, space)
        if run_id is None:
            await _list(obelisk)
        elif cancel:
            request = run_pb2.CancelRunRequest(run_id=run_id)
            answer = await obelisk.runs.CancelRun(request, metadata=obelisk.metadata)
            ended = answer.run.state == run_pb2.RUN_STATE_ENDED
            console.print("it had ended before" if ended else "asked to stop")
        else:
            await _replay(obelisk, run_id)


async def resume(
    settings: Settings, server: str, space: str | None, run_id: str, *, approve: bool, note: str
) -> None:
    """Answer what a run waits for."""
    async with client(settings, server) as obelisk:
        await enter(obelisk, space)
        found = await obelisk.runs.GetRun(
            run_pb2.GetRunRequest(run_id=run_id), metadata=obelisk.metadata
        )
        if found.run.state != run_pb2.RUN_STATE_PAUSED:
            raise RunNotPaused("the run does not wait for an answer")
        request = run_pb2.ResumeRunRequest(
            run_id=run_id,
            pause_id=found.run.pause.pause_id,
            decision=run_pb2.DECISION_APPROVE if approve else run_pb2.DECISION_REJECT,
            note=note,
        )
        await obelisk.runs.ResumeRun(request, metadata=obelisk.metadata)
        console.print("approved" if approve else "rejected")


async def _list(obelisk: ObeliskClient) -> None:
    request = run_pb2.ListRunsRequest(page_size=20)
    answer = await obelisk.runs.ListRuns(request, metadata=obelisk.metadata)
    table = Table(Column("Run", no_wrap=True), "Agent", "Ended", "Events", "Question", box=None)
    for run in answer.runs:
        reason = run_pb2.TerminationReason.Name(run.termination_reason)
        ended = reason.removeprefix("TERMINATION_REASON_").lower().replace("unspecified", "")
        if run.state == run_pb2.RUN_STATE_PAUSED:
            ended = "waits for approval"
        question = Text(run.question[:60])
        table.add_row(run.run_id, run.agent, ended or "not yet", str(run.last_sequence), question)
    console.print(table)


async def _replay(obelisk: ObeliskClient, run_id: str) -> None:
    view = AnswerView(console)
    async for event in obelisk.watch(run_id):
        view.show(event)
    view.summary()
