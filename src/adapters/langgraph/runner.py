"""Agents scheduled by LangGraph."""

from collections.abc import AsyncGenerator
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, Interrupt

from adapters.langgraph.graph import GraphContext, GraphState, build_graph, read_state
from adapters.langgraph.saver import JournalSaver
from application.agents.events import Emit, events_of
from application.agents.resuming import answer_to, discarded
from application.agents.steps import AgentSteps
from domain.agents.routing import Step, next_step
from domain.agents.state import begun
from domain.agents.task import AgentTask
from domain.plain import to_plain
from domain.runs.codec import resumed_by
from domain.runs.event import EventKind, RunCompleted, RunPaused
from domain.runs.journal import Mark

# Retrieve, check, approve and the end besides the counted tool and model calls.
_UNCOUNTED_STEPS = 8
_INTERRUPTS = "__interrupt__"


class LangGraphRunner:
    def __init__(self, steps: AgentSteps) -> None:
        self._graph = build_graph(steps)

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind | Mark]:
        async def work(emit: Emit) -> EventKind:
            return await self._work(task, emit)

        return events_of(work)

    async def _work(self, task: AgentTask, emit: Emit) -> EventKind:
        config: RunnableConfig = {
            "recursion_limit": task.agent.limits.max_iterations + _UNCOUNTED_STEPS,
            "configurable": {"thread_id": str(task.run_id)},
        }
        start = begun(require_approval=task.require_approval)
        context = GraphContext(task=task, emit=emit, live=start)

        def say(mark: Mark) -> None:
            context.release()
            emit(mark)

        saver = JournalSaver(marks=task.kept, emit=say)
        begin = await self._begin(saver, config, context)
        for kind in discarded(context.live, task.shown_characters):
            emit(kind)
        ended = await self._graph.copy({"checkpointer": saver}).ainvoke(
            begin, config, context=context, durability="sync"
        )
        return _outcome(ended.get(_INTERRUPTS, ()), context)

    async def _begin(
        self, saver: JournalSaver, config: RunnableConfig, context: GraphContext
    ) -> "GraphState | Command[str] | None":
        """What the graph is given: its first state, a person's answer, or nothing new."""
        kept = await saver.aget_tuple(config)
        if kept is None:
            return GraphState(progress=to_plain(context.live.progress))
        context.live = read_state(kept.checkpoint["channel_values"])
        waiting = next_step(context.live.progress, context.task.agent) is Step.APPROVE
        for _, _, value in (kept.pending_writes or []) if waiting else []:
            for pause in _interrupts(value):
                answer = answer_to(pause.id, context.task.kept)
                if answer is not None:
                    return Command(resume={pause.id: to_plain(resumed_by(answer))})
        return None


def _outcome(pauses: tuple[Interrupt, ...], context: GraphContext) -> EventKind:
    context.release()
    for pause in pauses:
        return RunPaused(pause_id=pause.id, prompt=str(pause.value))
    decided = next_step(context.live.progress, context.task.agent)
    if isinstance(decided, Step):
        raise RuntimeError(f"the graph ended although {decided.value} comes next")
    return RunCompleted(reason=decided)


def _interrupts(value: Any) -> list[Interrupt]:  # a write's value is LangGraph's own
    found = value if isinstance(value, tuple | list) else []
    return [one for one in found if isinstance(one, Interrupt)]
