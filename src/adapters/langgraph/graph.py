"""The agents' steps as a LangGraph graph. It schedules; `domain.agents.routing` decides."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from application.agents.steps import AgentSteps, Emit
from domain.agents.routing import Progress, Step, next_step
from domain.agents.state import AgentState
from domain.agents.task import AgentTask
from domain.plain import Plain, from_plain, to_plain


class GraphState(TypedDict):
    """One JSON-plain channel, so that a checkpoint holds no class of ours."""

    agent: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphContext:
    """What a run brings along; never part of a checkpoint."""

    task: AgentTask
    emit: Emit


Graph = CompiledStateGraph[GraphState, GraphContext, GraphState, GraphState]


def build_graph(steps: AgentSteps) -> Graph:
    """Every step is a node; after each, routing names the next one or the end."""
    graph = StateGraph(GraphState, context_schema=GraphContext)
    targets: dict[Hashable, str] = {**{step.value: step.value for step in Step}, END: END}
    for step in Step:
        graph.add_node(step.value, _Node(steps, step))
        graph.add_conditional_edges(step.value, _route, targets)
    graph.add_conditional_edges(START, _route, targets)
    return graph.compile()


def read_state(state: GraphState) -> AgentState:
    """The agent's state out of its channel."""
    return from_plain(AgentState, state["agent"])


def _route(state: GraphState, runtime: Runtime[GraphContext]) -> str:
    agent = state["agent"]
    progress = from_plain(Progress, agent["progress"] if isinstance(agent, dict) else None)
    decided = next_step(progress, runtime.context.task.agent)
    return decided.value if isinstance(decided, Step) else END


class _Node:
    """State, step, state."""

    def __init__(self, steps: AgentSteps, step: Step) -> None:
        self._steps = steps
        self._step = step

    async def __call__(self, state: GraphState, runtime: Runtime[GraphContext]) -> GraphState:
        given = runtime.context
        taken = await self._steps.take(self._step, given.task, read_state(state), given.emit)
        return {"agent": to_plain(taken)}
