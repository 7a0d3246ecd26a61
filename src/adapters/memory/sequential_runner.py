"""Agents run by a plain loop: one step after the other, as routing says."""

from collections.abc import AsyncGenerator

from application.agents.events import events_of
from application.agents.steps import AgentSteps, Emit
from domain.agents.routing import Step, next_step
from domain.agents.state import AgentState
from domain.agents.task import AgentTask
from domain.runs.event import EventKind, RunCompleted


class SequentialRunner:
    def __init__(self, steps: AgentSteps) -> None:
        self._steps = steps

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind]:
        async def work(emit: Emit) -> EventKind:
            state = AgentState()
            while isinstance(decided := next_step(state.progress, task.agent), Step):
                state = await self._steps.take(decided, task, state, emit)
            return RunCompleted(reason=decided)

        return events_of(work)
