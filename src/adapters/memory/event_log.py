"""The gapless history of each run in memory."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.state import MemoryState
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from domain.agents.chat import Role
from domain.conversations.conversation import Message
from domain.identifiers import MessageId, RunId, SpaceId
from domain.runs.event import Drafted, EventKind, RunCompleted, RunEvent, RunPaused
from domain.runs.journal import Mark, with_marks
from domain.runs.pause import Pause
from domain.runs.run import FenceLost, Run, RunState, TerminationReason


class MemoryEventLog:
    def __init__(self, state: MemoryState, *, clock: Clock, entropy: Entropy) -> None:
        self._state = state
        self._clock = clock
        self._entropy = entropy

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        if not kinds and not marks:
            return ()
        kept = self._state.runs.get((space, run))
        if kept is None or kept.state is not RunState.RUNNING or kept.fence != fence:
            raise FenceLost
        now = self._clock.now()
        events = tuple(
            RunEvent(sequence=sequence, create_time=now, kind=kind)
            for sequence, kind in enumerate(kinds, start=kept.last_sequence + 1)
        )
        self._state.events[space, run].extend(events)
        last_sequence = kept.last_sequence + len(events)
        self._state.runs[space, run] = replace(kept, last_sequence=last_sequence)
        journal = self._state.journals.get((space, run), ())
        self._state.journals[space, run] = with_marks(journal, marks)
        for event in events:
            self._apply(self._state.runs[space, run], event)
        return events

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        events = self._state.events.get((space, run), [])
        return tuple([event for event in events if event.sequence > after][:limit])

    def _apply(self, run: Run, event: RunEvent) -> None:
        match event.kind:
            case RunCompleted(reason=reason):
                self._state.runs[run.space_id, run.run_id] = replace(
                    run,
                    state=RunState.ENDED,
                    termination_reason=reason,
                    end_time=event.create_time,
                    pause=None,
                    worker_id=None,
                )
                self._state.journals.pop((run.space_id, run.run_id), None)
                refused = reason in (TerminationReason.REJECTED, TerminationReason.EXPIRED)
                approved = reason is TerminationReason.COMPLETE or not run.require_approval
                if refused or not approved:
                    self._take_back_the_answer(run)
            case RunPaused() if run.cancel_requested:
                self._state.runs[run.space_id, run.run_id] = replace(
                    run, state=RunState.QUEUED, worker_id=None
                )
            case RunPaused(pause_id=pause_id, prompt=prompt):
                self._state.runs[run.space_id, run.run_id] = replace(
                    run,
                    state=RunState.PAUSED,
                    pause=Pause(pause_id=pause_id, prompt=prompt, since=event.create_time),
                    worker_id=None,
                )
            case Drafted(text=text):
                self._answer(run, event, text)

    def _take_back_the_answer(self, run: Run) -> None:
        conversation = run.question.conversation_id
        if conversation is not None:
            messages = self._state.messages[run.space_id, conversation]
            messages[:] = [
                message
                for message in messages
                if message.run_id != run.run_id or message.role is not Role.ASSISTANT
            ]

    def _answer(self, run: Run, event: RunEvent, text: str) -> None:
        conversation = run.question.conversation_id
        if conversation is None:
            return
        message = Message(
            message_id=MessageId(self._entropy.uuid()),
            conversation_id=conversation,
            run_id=run.run_id,
            role=Role.ASSISTANT,
            content=text,
            create_time=event.create_time,
        )
        self._state.messages[run.space_id, conversation].append(message)
