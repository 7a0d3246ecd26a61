"""Agents scheduled by LangGraph."""

from collections.abc import AsyncGenerator

from adapters.langgraph.graph import GraphContext, GraphState, build_graph, read_state
from application.agents.events import events_of
from application.agents.steps import AgentSteps, Emit
from domain.agents.routing import Step, next_step
from domain.agents.state import AgentState
from domain.agents.task import AgentTask
from domain.plain import to_plain
from domain.runs.event import EventKind, RunCompleted

# Retrieve, check and the end besides the counted tool and model calls.
_UNCOUNTED_STEPS = 8


class LangGraphRunner:
    def __init__(self, steps: AgentSteps) -> None:
        self._graph = build_graph(steps)

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind]:
        async def work(emit: Emit) -> EventKind:
            begin: GraphState = {"agent": to_plain(AgentState())}
            limit = task.agent.limits.max_iterations + _UNCOUNTED_STEPS
            ended = await self._graph.ainvoke(
                begin,
                {"recursion_limit": limit},
                context=GraphContext(task=task, emit=emit),
            )
            decided = next_step(read_state(GraphState(agent=ended["agent"])).progress, task.agent)
            if isinstance(decided, Step):
                raise RuntimeError(f"the graph ended although {decided.value} comes next")
            return RunCompleted(reason=decided)

        return events_of(work)
