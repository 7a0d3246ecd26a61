"""The journals of runs in memory."""

from dataclasses import replace

from adapters.memory.state import MemoryState
from application.ports.clock import Clock
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import answer_mark, answer_of, resumed_by
from domain.runs.event import RunEvent, RunResumed
from domain.runs.journal import Mark, with_marks
from domain.runs.pause import Answer
from domain.runs.run import RunState


class MemoryRunJournal:
    def __init__(self, state: MemoryState, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def read(self, space: SpaceId, run: RunId) -> tuple[Mark, ...]:
        return self._state.journals.get((space, run), ())

    async def answer(self, space: SpaceId, run: RunId, answer: Answer) -> RunEvent | None:
        key = space, run
        kept = self._state.runs.get(key)
        if kept is None or kept.pause is None or kept.cancel_requested:
            return None
        if kept.state is not RunState.PAUSED or kept.pause.pause_id != answer.pause_id:
            return None
        event = RunEvent(
            sequence=kept.last_sequence + 1,
            create_time=self._clock.now(),
            kind=resumed_by(answer),
        )
        self._state.events[key].append(event)
        self._state.runs[key] = replace(
            kept,
            state=RunState.QUEUED,
            pause=None,
            last_sequence=event.sequence,
            attempts=max(kept.attempts - 1, 0),
        )
        journal = self._state.journals.get(key, ())
        self._state.journals[key] = with_marks(journal, [answer_mark(answer)])
        return event

    async def answered(self, space: SpaceId, run: RunId, pause_id: str) -> Answer | None:
        for event in reversed(self._state.events.get((space, run), [])):
            if isinstance(event.kind, RunResumed) and event.kind.pause_id == pause_id:
                return answer_of(event.kind)
        return None
