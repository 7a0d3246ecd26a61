"""Runs in memory."""

from dataclasses import replace

from adapters.memory import turns
from adapters.memory.pages import newest_first
from adapters.memory.state import MemoryState
from application.ports.entropy import Entropy
from application.ports.run_store import Accepted
from domain.agents.chat import Role
from domain.conversations.conversation import ConversationNotFound, Message
from domain.identifiers import MessageId, RunId, SpaceId, WorkerId
from domain.paging import Page, PageRequest
from domain.runs.admission import (
    USUAL_TERMS,
    Admission,
    ConversationBusy,
    DoubleText,
    RunQueueFull,
    fingerprint,
)
from domain.runs.event import first_event
from domain.runs.run import CancelReason, FenceLost, RequestIdReused, Run, RunNotFound, RunState


class MemoryRunStore:
    def __init__(self, state: MemoryState, entropy: Entropy) -> None:
        self._state = state
        self._entropy = entropy

    async def create(
        self,
        run: Run,
        request_id: str | None,
        *,
        admission: Admission = USUAL_TERMS,
        claim_for: WorkerId | None = None,
    ) -> Accepted:
        self._state.check(run.space_id)
        mark = fingerprint(run, admission)
        if request_id is not None and (run.space_id, request_id) in self._state.requests:
            return Accepted(run=self._earlier(run, request_id, mark), created=False)
        earlier = turns.unended_before(self._state, run)
        worker = claim_for if self._may_begin(run, earlier, admission) else None
        self._admit(run, earlier, admission, waits=worker is None)
        superseded = self._supersede(earlier, admission.double_text)
        self._ask(run)
        if request_id is not None:
            self._state.requests[run.space_id, request_id] = run.run_id, mark
        kept = replace(run, last_sequence=1)
        if worker is not None:
            kept = turns.taken_up(kept, worker)
        self._keep(kept)
        return Accepted(run=kept, created=True, claimed=worker is not None, superseded=superseded)

    async def get(self, space: SpaceId, run: RunId) -> Run:
        try:
            return self._state.runs[space, run]
        except KeyError:
            raise RunNotFound from None

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        mine = [run for (owner, _), run in self._state.runs.items() if owner == space]
        return newest_first(mine, page, lambda run: run.run_id)

    async def claim(self, space: SpaceId, run: RunId, worker: WorkerId | None = None) -> Run:
        kept = await self.get(space, run)
        if kept.state is RunState.ENDED:
            raise FenceLost
        claimed = turns.taken_up(kept, worker)
        self._state.runs[space, run] = claimed
        return claimed

    async def request_cancel(
        self, space: SpaceId, run: RunId, reason: CancelReason = CancelReason.USER
    ) -> Run:
        kept = await self.get(space, run)
        if kept.state is not RunState.ENDED:
            self._state.runs[space, run] = turns.to_stop(kept, reason)
        return self._state.runs[space, run]

    async def hand_back(self, run: Run) -> None:
        turns.release(self._state, run.space_id, run.run_id, run.fence, spent=False)

    def _earlier(self, run: Run, request_id: str, mark: str) -> Run:
        earlier, kept = self._state.requests[run.space_id, request_id]
        if kept != mark:
            raise RequestIdReused
        return self._state.runs[run.space_id, earlier]

    def _may_begin(self, run: Run, earlier: tuple[Run, ...], admission: Admission) -> bool:
        blocked = earlier and admission.double_text is not DoubleText.ROLLBACK
        running = turns.count(self._state, run.space_id, RunState.RUNNING)
        return (
            not blocked
            and not turns.claimable(self._state, run.space_id)
            and running < admission.limits.running
        )

    def _admit(
        self, run: Run, earlier: tuple[Run, ...], admission: Admission, *, waits: bool
    ) -> None:
        conversation = run.question.conversation_id
        if conversation is not None and (run.space_id, conversation) not in self._state.messages:
            raise ConversationNotFound
        if earlier and admission.double_text is DoubleText.REJECT:
            raise ConversationBusy
        waiting = turns.count(self._state, run.space_id, RunState.QUEUED)
        if waits and waiting >= admission.limits.queued:
            raise RunQueueFull(admission.limits.queued)

    def _supersede(self, earlier: tuple[Run, ...], double_text: DoubleText) -> tuple[RunId, ...]:
        if double_text not in (DoubleText.INTERRUPT, DoubleText.ROLLBACK):
            return ()
        for run in earlier:
            stopping = turns.to_stop(run, CancelReason.SUPERSEDED)
            if double_text is DoubleText.ROLLBACK:
                stopping = replace(
                    stopping, state=RunState.QUEUED, worker_id=None, fence=run.fence + 1
                )
                self._take_back(run)
            self._state.runs[run.space_id, run.run_id] = stopping
        return tuple(run.run_id for run in earlier)

    def _take_back(self, run: Run) -> None:
        conversation = run.question.conversation_id
        if conversation is not None:
            messages = self._state.messages[run.space_id, conversation]
            messages[:] = [message for message in messages if message.run_id != run.run_id]

    def _keep(self, run: Run) -> None:
        key = run.space_id, run.run_id
        self._state.turns[key] = len(self._state.turns)
        self._state.events[key] = [first_event(run)]
        self._state.runs[key] = run

    def _ask(self, run: Run) -> None:
        conversation = run.question.conversation_id
        if conversation is None:
            return
        message = Message(
            message_id=MessageId(self._entropy.uuid()),
            conversation_id=conversation,
            run_id=run.run_id,
            role=Role.USER,
            content=run.question.text,
            create_time=run.create_time,
        )
        self._state.messages[run.space_id, conversation].append(message)
