"""The agents' steps as a LangGraph graph. It schedules; `domain.agents.routing` decides."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

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


class _Nothing(TypedDict):
    """What a node is given: the state is at hand in its context."""


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
    """Every step is a node; after each, routing names the next one or the end.

    A node says itself where to go, and is given no channel: to read them all for each step, and for
    the edge after it, would cost more than the rest of the scheduling.
    """
    graph = StateGraph(GraphState, context_schema=GraphContext)
    targets: dict[Hashable, str] = {**{step.value: step.value for step in Step}, END: END}
    for step in Step:
        node = _approve if step is Step.APPROVE else _Node(steps, step)
        graph.add_node(step.value, node, input_schema=_Nothing, destinations=(*targets.values(),))
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


async def _route(state: GraphState, runtime: Runtime[GraphContext]) -> str:
    return _next(runtime.context)


def _next(given: GraphContext) -> str:
    decision = next_step(given.live.progress, given.task.agent)
    return decision.value if isinstance(decision, Step) else END


def _go_on(given: GraphContext, after: AgentState) -> Command[str]:
    before, given.live = given.live, after
    return Command(update=written(before, after), goto=_next(given))


class _Node:
    """State, step, state."""

    def __init__(self, steps: AgentSteps, step: Step) -> None:
        self._steps = steps
        self._step = step

    async def __call__(self, state: _Nothing, runtime: Runtime[GraphContext]) -> Command[str]:
        given = runtime.context
        emit = given.held.append if self._step in _SAID_AT_ITS_END else given.emit
        return _go_on(given, await self._steps.take(self._step, given.task, given.live, emit))


async def _approve(state: _Nothing, runtime: Runtime[GraphContext]) -> Command[str]:
    answer = answer_in_plain(interrupt(APPROVAL_PROMPT))
    return _go_on(runtime.context, decided(runtime.context.live, answer))
