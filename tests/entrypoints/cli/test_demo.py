"""What the demo demands of an answer, held against real runs of an agent's steps."""

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.events import Said, Settled
from domain.agents.routing import Step
from domain.agents.state import AgentState
from domain.runs.event import RunEvent
from domain.runs.journal import Mark
from entrypoints.cli.demo import DemoFailed, require_citations
from entrypoints.grpc.convert_events import run_event
from fixtures.agents import BOATS, HERRING, a_shop, without_plan
from obelisk.v1 import run_pb2


async def _run(draft: str, *, sections: int) -> list[run_pb2.RunEvent]:
    """The events of a run of which the model writes `draft` in every section."""
    shop = await a_shop()
    steps = shop.steps(ScriptedChatModel(draft), sections=sections)
    task, state, said = without_plan(shop.task()), AgentState(), list[Said]()
    for step in (Step.RETRIEVE, Step.WRITE, Step.CHECK):
        state = await steps.take(step, task, state, said.append)
    now = FixedClock().now()
    return [
        run_event(RunEvent(sequence=n, create_time=now, kind=kind))
        for n, kind in enumerate((s for s in said if not isinstance(s, Mark | Settled)), start=1)
    ]


@pytest.mark.parametrize("sections", [0, 3])
@pytest.mark.parametrize(
    "draft",
    [
        "Astronauts praise chocolate pudding on Jupiter.",
        "Nordlys smokes 900 herring in Bergen. The harbour offers 77 guided boat trips.",
        HERRING,
    ],
)
async def test_a_draft_that_does_not_follow_two_documents_fails_the_demo(
    draft: str, sections: int
) -> None:
    with pytest.raises(DemoFailed, match="not two or more"):
        require_citations(await _run(draft, sections=sections))


async def test_a_draft_that_numbers_what_no_source_says_fails_the_demo() -> None:
    claims = "Astronauts praise pudding on Jupiter"
    with pytest.raises(DemoFailed, match="follows 0 documents"):
        require_citations(await _run(f"{claims} [1]. {claims} [2].", sections=0))


async def test_a_draft_that_follows_two_documents_passes() -> None:
    events = await _run(f"{HERRING} {BOATS}", sections=0)
    require_citations(events)
    (drafted,) = [event.drafted for event in events if event.HasField("drafted")]
    assert len(drafted.cited_sources) == 2
