"""Agents run by a plain loop: one step after the other, as routing says."""

import json
from collections.abc import AsyncGenerator

from application.agents.events import Emit, Said, events_of
from application.agents.resuming import answer_to, discarded
from application.agents.steps import AgentSteps
from domain.agents.routing import Step, next_step
from domain.agents.state import APPROVAL_PROMPT, AgentState, begun, decided
from domain.agents.task import AgentTask
from domain.plain import Plain, from_plain, to_plain
from domain.runs.event import EventKind, RunCompleted, RunPaused
from domain.runs.journal import Mark, MarkKind

_PAUSE = "1"


class SequentialRunner:
    def __init__(self, steps: AgentSteps) -> None:
        self._steps = steps

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind | Mark]:
        async def work(emit: Emit) -> EventKind:
            state = _kept_state(task)
            for kind in discarded(state, task.shown_characters):
                emit(kind)
            while isinstance(step := next_step(state.progress, task.agent), Step):
                if step is Step.APPROVE:
                    answer = answer_to(_PAUSE, task.kept)
                    if answer is None:
                        return RunPaused(pause_id=_PAUSE, prompt=APPROVAL_PROMPT)
                    state = decided(state, answer)
                else:
                    state = await self._taken(step, task, state, emit)
                emit(_checkpoint(state))
            return RunCompleted(reason=step)

        return events_of(work)

    async def _taken(
        self, step: Step, task: AgentTask, state: AgentState, emit: Emit
    ) -> AgentState:
        if step is not Step.CHECK:
            return await self._steps.take(step, task, state, emit)
        # Its events are kept in one commit with the checkpoint after them.
        held: list[Said] = []
        state = await self._steps.take(step, task, state, held.append)
        for said in held:
            emit(said)
        return state


def _checkpoint(state: AgentState) -> Mark:
    payload = json.dumps(to_plain(state), ensure_ascii=False).encode()
    return Mark(kind=MarkKind.CHECKPOINT, payload=payload)


def _kept_state(task: AgentTask) -> AgentState:
    for mark in task.kept:
        if mark.kind is MarkKind.CHECKPOINT:
            plain: Plain = json.loads(mark.payload)
            return from_plain(AgentState, plain)
    return begun(require_approval=task.require_approval)
