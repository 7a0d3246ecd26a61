"""What LangGraph is given, and what it is not."""

import json
from dataclasses import fields

from adapters.langgraph.graph import GraphContext, GraphState, build_graph, read_state
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.events import Said
from domain.agents.routing import Progress, Step
from domain.agents.state import AgentState
from domain.plain import to_plain
from fixtures.agents import a_shop


async def test_its_state_is_plain_json_and_holds_what_the_steps_left() -> None:
    shop = await a_shop()
    graph = build_graph(shop.steps(ScriptedChatModel("Nordlys smokes herring.")))
    said: list[Said] = []
    context = GraphContext(task=shop.task(), emit=said.append, live=AgentState())
    ended = await graph.ainvoke(GraphState(progress=to_plain(Progress())), context=context)
    state = read_state(json.loads(json.dumps(ended)))
    assert state == context.live
    assert state.draft == "Nordlys smokes herring."
    assert state.progress.checked
    assert len(said) > 5


def test_each_field_of_an_agents_state_is_a_channel_of_its_own() -> None:
    assert list(GraphState.__annotations__) == [f.name for f in fields(AgentState)]


async def test_every_step_is_a_node_that_may_be_followed_by_any_other() -> None:
    shop = await a_shop()
    drawn = build_graph(shop.steps(ScriptedChatModel())).get_graph()
    steps = {step.value for step in Step}
    assert steps <= set(drawn.nodes)
    ways = {(edge.source, edge.target) for edge in drawn.edges}
    assert {(a, b) for a in steps for b in (*steps, "__end__")} <= ways
