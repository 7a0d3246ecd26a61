"""Runs in memory."""

from dataclasses import replace

from adapters.memory.pages import newest_first
from adapters.memory.state import MemoryState
from application.ports.entropy import Entropy
from domain.agents.chat import Role
from domain.conversations.conversation import ConversationNotFound, Message
from domain.identifiers import MessageId, RunId, SpaceId
from domain.paging import Page, PageRequest
from domain.runs.event import RunEvent, RunQueued
from domain.runs.run import FenceLost, RequestIdReused, Run, RunNotFound, RunState


class MemoryRunStore:
    def __init__(self, state: MemoryState, entropy: Entropy) -> None:
        self._state = state
        self._entropy = entropy

    async def create(self, run: Run, request_id: str | None) -> tuple[Run, bool]:
        self._state.check(run.space_id)
        if request_id is not None and (run.space_id, request_id) in self._state.requests:
            return self._earlier(run, request_id), False
        self._ask(run)
        if request_id is not None:
            asked = run.run_id, run.question.fingerprint()
            self._state.requests[run.space_id, request_id] = asked
        key = run.space_id, run.run_id
        queued = RunQueued(run_id=run.run_id, agent=run.question.agent)
        self._state.events[key] = [RunEvent(sequence=1, create_time=run.create_time, kind=queued)]
        self._state.runs[key] = replace(run, last_sequence=1)
        return self._state.runs[key], True

    async def get(self, space: SpaceId, run: RunId) -> Run:
        try:
            return self._state.runs[space, run]
        except KeyError:
            raise RunNotFound from None

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        mine = [run for (owner, _), run in self._state.runs.items() if owner == space]
        return newest_first(mine, page, lambda run: run.run_id)

    async def claim(self, space: SpaceId, run: RunId) -> Run:
        kept = await self.get(space, run)
        if kept.state is RunState.ENDED:
            raise FenceLost
        claimed = replace(kept, state=RunState.RUNNING, fence=kept.fence + 1)
        self._state.runs[space, run] = claimed
        return claimed

    async def request_cancel(self, space: SpaceId, run: RunId) -> Run:
        kept = await self.get(space, run)
        if kept.state is not RunState.ENDED:
            self._state.runs[space, run] = replace(kept, cancel_requested=True)
        return self._state.runs[space, run]

    def _earlier(self, run: Run, request_id: str) -> Run:
        earlier, fingerprint = self._state.requests[run.space_id, request_id]
        if fingerprint != run.question.fingerprint():
            raise RequestIdReused
        return self._state.runs[run.space_id, earlier]

    def _ask(self, run: Run) -> None:
        conversation = run.question.conversation_id
        if conversation is None:
            return
        if (run.space_id, conversation) not in self._state.messages:
            raise ConversationNotFound
        message = Message(
            message_id=MessageId(self._entropy.uuid()),
            conversation_id=conversation,
            run_id=run.run_id,
            role=Role.USER,
            content=run.question.text,
            create_time=run.create_time,
        )
        self._state.messages[run.space_id, conversation].append(message)
