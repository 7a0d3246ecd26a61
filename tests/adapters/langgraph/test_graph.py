"""What LangGraph is given, and what it is not."""

import json

from adapters.langgraph.graph import GraphContext, build_graph, read_state
from adapters.memory.scripted_chat_model import ScriptedChatModel
from domain.agents.routing import Step
from domain.agents.state import AgentState
from domain.plain import to_plain
from domain.runs.event import EventKind
from fixtures.agents import a_shop


async def test_its_state_is_plain_json_and_holds_what_the_steps_left() -> None:
    shop = await a_shop()
    graph = build_graph(shop.steps(ScriptedChatModel("Nordlys smokes herring.")))
    said: list[EventKind] = []
    ended = await graph.ainvoke(
        {"agent": to_plain(AgentState())}, context=GraphContext(task=shop.task(), emit=said.append)
    )
    state = read_state({"agent": json.loads(json.dumps(ended["agent"]))})
    assert set(ended) == {"agent"}
    assert state.draft == "Nordlys smokes herring."
    assert state.progress.checked
    assert len(said) > 5


async def test_every_step_is_a_node_that_may_be_followed_by_any_other() -> None:
    shop = await a_shop()
    drawn = build_graph(shop.steps(ScriptedChatModel())).get_graph()
    steps = {step.value for step in Step}
    assert steps <= set(drawn.nodes)
    ways = {(edge.source, edge.target) for edge in drawn.edges}
    assert {(a, b) for a in steps for b in (*steps, "__end__")} <= ways
