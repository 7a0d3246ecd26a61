"""AuthorityWatch: what this process knows of revocations and epochs, and how old that is.

The feed is polled. A request is judged only by what a poll knew that began at most `trust_seconds`
before it; without such a poll it is refused. Whoever changes authority commits, waits as long, and
answers then: from the answer on, no process anywhere judges by what was before.
"""

import asyncio
import logging
from contextlib import suppress

from application.ports.authority_feed import AuthorityFeed
from application.ports.clock import Clock
from domain.auth.claims import Claims
from domain.auth.revocation import Authority, Verdict
from domain.errors import Unavailable
from domain.identifiers import UserId

POLL_SECONDS = 0.1
TRUST_SECONDS = 0.4
_READ_SECONDS = 2.0
_LONGEST_READ_SECONDS = 30.0
_PATIENCE_SECONDS = 3.0
# Timers of this machine and of others need not agree to the millisecond.
_MARGIN_SECONDS = 0.02
_log = logging.getLogger(__name__)


class AuthorityUnknown(Unavailable):
    reason = "AUTHORITY_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("it cannot be told now whether this token still counts; try again")


class AuthorityWatch:
    def __init__(
        self,
        *,
        feed: AuthorityFeed,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
        trust_seconds: float = TRUST_SECONDS,
        read_seconds: float = _READ_SECONDS,
    ) -> None:
        """`read_seconds` is what one look may take; after one that took longer, the next may take
        twice as long, or a great many changes at once would never be learned."""
        self._feed = feed
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._trust_seconds = trust_seconds
        self._read_seconds = self._allowed_seconds = read_seconds
        self._authority = Authority()
        self._mark: int | None = None
        self._began = float("-inf")
        self._looks = 0
        self._failed_look = 0
        self._generation = 0
        self._wanted = asyncio.Event()
        self._polled = asyncio.Condition()
        self._poller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn all that there is, then keep up. Raises Unavailable when it cannot be learned."""
        self._allowed_seconds = _LONGEST_READ_SECONDS
        await self._read()
        # Owned here: `close` cancels and awaits it.
        self._poller = asyncio.get_running_loop().create_task(self._keep_up(), name="authority")

    async def close(self) -> None:
        """Stop keeping up; from then on every request is refused. Idempotent."""
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.cancel()
            with suppress(asyncio.CancelledError):
                await poller

    async def fresh(self) -> None:
        """Return once the knowledge is young enough to judge by; at once when it is.

        Raises:
            AuthorityUnknown: it cannot be had.
        """
        since = self._clock.monotonic() - self._trust_seconds
        if self._began < since:
            await self._poll_since(since)

    def verdict(self, claims: Claims) -> Verdict:
        """How far a verified token may be believed, by what is known."""
        return self._authority.verdict(claims)

    def epoch_of(self, user: UserId) -> int:
        """The user's latest known epoch; 0 when none changed of late."""
        return self._authority.epoch_of(user)

    def age(self) -> float:
        """How many seconds ago the last poll that succeeded began."""
        return self._clock.monotonic() - self._began

    @property
    def generation(self) -> int:
        """Moves with everything new that is learned."""
        return self._generation

    async def changed(self, generation: int, timeout: float) -> None:
        """Return once something newer than `generation` is known, or after `timeout` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._polled:
                await self._polled.wait_for(lambda: self._generation != generation)

    async def settle(self) -> None:
        """Wait until what was committed before counts in every process."""
        await asyncio.sleep(self._trust_seconds + _MARGIN_SECONDS)

    async def _poll_since(self, since: float) -> None:
        looks = self._looks
        self._wanted.set()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._polled:
                # A look that failed before this request says nothing about one that begins now.
                await self._polled.wait_for(
                    lambda: self._began >= since or self._failed_look > looks,
                )
        except TimeoutError:
            raise AuthorityUnknown from None
        if self._began < since:
            raise AuthorityUnknown

    async def _keep_up(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._poll_seconds)
            self._wanted.clear()
            self._looks += 1
            try:
                await self._read()
            except Exception as error:  # noqa: BLE001 - requests are refused until a later one works
                if self._failed_look != self._looks - 1:
                    _log.warning("revocations cannot be read (%s); trying again", error)
                self._failed_look = self._looks
            async with self._polled:
                self._polled.notify_all()

    async def _read(self) -> None:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._allowed_seconds):
                news = await self._feed.read(self._mark)
        except TimeoutError:
            self._allowed_seconds = min(2 * self._allowed_seconds, _LONGEST_READ_SECONDS)
            raise
        self._allowed_seconds = self._read_seconds
        if self._authority.learn(news.changes):
            self._generation += 1
        self._authority.forget(self._clock.now())
        self._mark, self._began = news.mark, began
