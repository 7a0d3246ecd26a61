"""`obelisk ask`."""

from domain.errors import FailedPrecondition
from entrypoints.cli.answer import AnswerView
from entrypoints.cli.spaces import client, enter
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2


class RunDidNotComplete(FailedPrecondition):
    reason = "RUN_DID_NOT_COMPLETE"


async def ask(
    settings: Settings,
    server: str,
    space: str | None,
    agent: str,
    question: str,
    *,
    approval: bool = False,
) -> None:
    """Stream an answer; raises RunDidNotComplete when it did not end well."""
    async with client(settings, server) as obelisk:
        await enter(obelisk, space)
        await stream_answer(obelisk, agent, question, approval=approval)


async def stream_answer(
    obelisk: ObeliskClient, agent: str, question: str, *, approval: bool = False
) -> tuple[list[run_pb2.RunEvent], AnswerView]:
    """Ask, show the answer while it comes, and return its events with what was seen."""
    view, events = AnswerView(console), []
    async for event in obelisk.ask(agent, question, require_approval=approval):
        events.append(event)
        view.show(event)
    view.summary()
    require_complete(view)
    return events, view


def require_complete(view: AnswerView) -> None:
    """Raises RunDidNotComplete."""
    completed = view.completed
    if completed is None or completed.reason != run_pb2.TERMINATION_REASON_COMPLETE:
        raise RunDidNotComplete("the run did not complete; see how it ended above")
