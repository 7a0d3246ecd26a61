"""Clients that ask all the time: alone and in conversations, some of them for an approval."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from uuid import UUID

import grpc
from bench.chaos.clients import Clients, Door, Metadata
from bench.chaos.history import Sight, Story
from bench.chaos.watching import Watcher

from obelisk.v1 import run_pb2

AGENTS = ("strategy", "email", "seo", "brand")
# A run that has not ended by then is stuck; one takes two seconds when nothing happens, and a
# minute where eight processes in a row were killed over it.
STUCK_SECONDS = 180.0
_AGAIN_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0
_IN_CONVERSATION, _LATECOMER, _CANCELLED, _APPROVED = 0.3, 0.5, 0.06, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A space and the conversations in it."""

    space_id: str
    conversations: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Asking:
    """`stories` are all that were ever asked, `watchers` those who watch right now."""

    clients: Clients
    places: Sequence[Place]
    chance: Random
    stories: list[Story] = field(default_factory=list)
    watchers: set[Watcher] = field(default_factory=set)
    past: list[Watcher] = field(default_factory=list)
    over: bool = False
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def keep_asking(self) -> None:
        """One after the other, until it is over; a run that never ends is left behind."""
        while not self.over:
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    await self._ask()
            except TimeoutError:
                continue

    async def _ask(self) -> None:
        place = self.chance.choice(self.places)
        story = Story(tag=f"c{next(self.numbers)}", space_id=place.space_id)
        if self.chance.random() < _IN_CONVERSATION:
            story.conversation_id = self.chance.choice(place.conversations)
        story.needs_approval = self.chance.random() < _APPROVED
        self.stories.append(story)
        first = self._watcher(story, "who asked")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start(story, first))
                group.create_task(self._join_in(story, first))
                if story.needs_approval:
                    group.create_task(self._approve(story, first))
                elif self.chance.random() < _CANCELLED:
                    group.create_task(self._cancel(story, first))
        finally:
            self._has_left(first)

    async def _start(self, story: Story, watcher: Watcher) -> None:
        """Ask until it is known to be accepted, the same request each time; watch to the end."""
        request = run_pb2.StartRunRequest(
            agent=self.chance.choice(AGENTS),
            question=f"Say something about canvas bags [{story.tag}].",
            conversation_id=story.conversation_id,
            require_approval=story.needs_approval,
            request_id=str(UUID(int=self.chance.getrandbits(128), version=4)),
        )
        while not story.run_id:
            watcher.door = self.clients.door(but=watcher.door)
            metadata = self.clients.metadata(story.space_id)
            if not await watcher.take(watcher.door.runs.StartRun(request, metadata=metadata)):
                await asyncio.sleep(_AGAIN_SECONDS)
        await watcher.to_the_end()

    async def _join_in(self, story: Story, first: Watcher) -> None:
        """A second watcher, at once or late, who wants everything from the first event on."""
        await first.accepted.wait()
        watcher = self._watcher(story, "who joined")
        try:
            if self.chance.random() < _LATECOMER:
                await asyncio.sleep(self.chance.uniform(0, 2))
            await watcher.to_the_end()
        finally:
            self._has_left(watcher)

    async def _cancel(self, story: Story, first: Watcher) -> None:
        """Have the run stopped, whatever it is at."""
        await first.accepted.wait()
        await asyncio.sleep(self.chance.uniform(0, 1))
        request = run_pb2.CancelRunRequest(run_id=story.run_id)
        await self._insist(
            story,
            lambda door, metadata: door.runs.CancelRun(
                request, metadata=metadata, timeout=_PATIENCE_SECONDS
            ),
        )

    async def _approve(self, story: Story, watcher: Watcher) -> None:
        """A person who thinks for a while, and says yes; unless it never comes to that."""
        await watcher.paused.wait()
        await asyncio.sleep(self.chance.uniform(0, 1))
        pauses = [e.paused for e in watcher.sight.events if e.HasField("paused")]
        if not pauses:
            return
        request = run_pb2.ResumeRunRequest(
            run_id=story.run_id, pause_id=pauses[0].pause_id, decision=run_pb2.DECISION_APPROVE
        )
        await self._insist(
            story,
            lambda door, metadata: door.runs.ResumeRun(
                request, metadata=metadata, timeout=_PATIENCE_SECONDS
            ),
        )

    async def _insist(
        self, story: Story, call: Callable[[Door, Metadata], Awaitable[object]]
    ) -> None:
        """Call until it is answered: an answer that got lost may have done it already."""
        while True:
            door = self.clients.door()
            try:
                await call(door, self.clients.metadata(story.space_id))
            except grpc.aio.AioRpcError as error:
                self.clients.forgive(error, f"{story.tag}, insisting", door)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    def _watcher(self, story: Story, name: str) -> Watcher:
        sight = Sight(name=name)
        story.sights.append(sight)
        watcher = Watcher(clients=self.clients, story=story, sight=sight)
        self.watchers.add(watcher)
        return watcher

    def _has_left(self, watcher: Watcher) -> None:
        watcher.sight.given_up = not watcher.sight.has_ended
        self.watchers.discard(watcher)
        self.past.append(watcher)
