"""The agents' steps as a LangGraph graph. It schedules; `domain.agents.routing` decides."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from application.agents.events import Emit, Said
from application.agents.steps import AgentSteps
from domain.agents.routing import Step, next_step
from domain.agents.state import APPROVAL_PROMPT, AgentState, decided
from domain.agents.task import AgentTask
from domain.plain import Plain, from_plain, to_plain
from domain.runs.codec import answer_in_plain


class GraphState(TypedDict, total=False):
    """`AgentState`, field by field and JSON-plain: a checkpoint holds no class of ours.

    A channel that no step has changed is not written again.
    """

    version: Plain
    progress: Plain
    settings: Plain
    passages: Plain
    degraded_streams: Plain
    outcomes: Plain
    sent: Plain
    draft: Plain
    note: Plain


@dataclass(slots=True, kw_only=True)
class GraphContext:
    """What a run brings along; never part of a checkpoint.

    `live` is the state that the channels hold, ready for use. `held` are events that are to be kept
    in one commit with the checkpoint after them.
    """

    task: AgentTask
    emit: Emit
    live: AgentState
    held: list[Said] = field(default_factory=list)

    def release(self) -> None:
        """Say what was held."""
        for said in self.held:
            self.emit(said)
        self.held.clear()


Graph = CompiledStateGraph[GraphState, GraphContext, GraphState, GraphState]
# Its events say what is final, and are never said twice; and it waits for nothing on its way.
_SAID_AT_ITS_END = frozenset({Step.CHECK})


def build_graph(steps: AgentSteps) -> Graph:
    """Every step is a node; after each, routing names the next one or the end."""
    graph = StateGraph(GraphState, context_schema=GraphContext)
    targets: dict[Hashable, str] = {**{step.value: step.value for step in Step}, END: END}
    for step in Step:
        node = _approve if step is Step.APPROVE else _Node(steps, step)
        graph.add_node(step.value, node)
        graph.add_conditional_edges(step.value, _route, targets)
    graph.add_conditional_edges(START, _route, targets)
    return graph.compile()


def read_state(channels: Mapping[str, Plain]) -> AgentState:
    """The agent's state out of its channels."""
    known = {f.name: channels[f.name] for f in fields(AgentState) if f.name in channels}
    return from_plain(AgentState, known)


def written(before: AgentState, after: AgentState) -> GraphState:
    """The channels in which `after` differs from `before`."""
    changed = GraphState()
    for name in GraphState.__annotations__:
        value = getattr(after, name)
        if getattr(before, name) is not value:
            changed[name] = to_plain(value)  # type: ignore[literal-required]  # its own names
    return changed


def _route(state: GraphState, runtime: Runtime[GraphContext]) -> str:
    given = runtime.context
    decision = next_step(given.live.progress, given.task.agent)
    return decision.value if isinstance(decision, Step) else END


class _Node:
    """State, step, state."""

    def __init__(self, steps: AgentSteps, step: Step) -> None:
        self._steps = steps
        self._step = step

    async def __call__(self, state: GraphState, runtime: Runtime[GraphContext]) -> GraphState:
        given = runtime.context
        emit = given.held.append if self._step in _SAID_AT_ITS_END else given.emit
        before = given.live
        given.live = await self._steps.take(self._step, given.task, before, emit)
        return written(before, given.live)


async def _approve(state: GraphState, runtime: Runtime[GraphContext]) -> GraphState:
    given = runtime.context
    answer = answer_in_plain(interrupt(APPROVAL_PROMPT))
    before = given.live
    given.live = decided(before, answer)
    return written(before, given.live)
