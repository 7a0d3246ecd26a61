"""Conversations that somebody is about to go on with, read ahead of their next question."""

from collections import OrderedDict
from dataclasses import dataclass

from application.ports.clock import Clock
from domain.agents.earlier import Earlier
from domain.conversations.turn import Head
from domain.identifiers import ConversationId, SpaceId

# Longer than it takes to type a question; what is held is a few kilobytes each.
_SECONDS = 120.0
_MOST = 256
_MOST_A_SPACE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`earlier` was current when the conversation stood at `head`; `agent` is who was warmed."""

    head: Head
    earlier: Earlier
    agent: str


class PreparedConversations:
    """This process's own; lost with it. Bounded in number, by space and in time.

    The key leads with the space, and a run takes by its own space: nothing crosses into another.
    """

    def __init__(
        self, clock: Clock, *, most: int = _MOST, most_a_space: int = _MOST_A_SPACE
    ) -> None:
        self._clock = clock
        self._most = most
        self._most_a_space = most_a_space
        self._kept: OrderedDict[tuple[SpaceId, ConversationId], tuple[float, Prepared]] = (
            OrderedDict()
        )

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, space: SpaceId, conversation: ConversationId, prepared: Prepared) -> None:
        """Keep it for two minutes at most, in the place of an older one."""
        self._kept.pop((space, conversation), None)
        own = [key for key in self._kept if key[0] == space]
        for key in own[: max(len(own) - self._most_a_space + 1, 0)]:
            del self._kept[key]
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        self._kept[space, conversation] = (self._clock.monotonic() + _SECONDS, prepared)

    def peek(self, space: SpaceId, conversation: ConversationId) -> Prepared | None:
        """What is kept of the conversation, if its time has not passed."""
        until, prepared = self._kept.get((space, conversation), (0.0, None))
        return prepared if self._clock.monotonic() < until else None

    def take(self, space: SpaceId, conversation: ConversationId) -> Prepared | None:
        """The same, and forget it: it serves one run."""
        prepared = self.peek(space, conversation)
        self._kept.pop((space, conversation), None)
        return prepared
