"""One follower a run and process: it hears the announcements and polls the log when they fail."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut, Subscription
from application.ports.run_store import RunStore
from application.runs.tail import KEPT_EVENTS, Tail
from domain.errors import ObeliskError, Unavailable
from domain.identifiers import RunId, SpaceId
from domain.runs.event import first_event
from domain.runs.run import Run

POLL_SECONDS = 1.0
# A run that says nothing for long is asked less often, so that waiting for people costs little.
_SLOWEST_POLLS, _SILENCE_SHARE = 5, 0.25
_PAGE = KEPT_EVENTS
_log = logging.getLogger(__name__)
_Key = tuple[SpaceId, RunId]
T = TypeVar("T")


class CannotFollow(Unavailable):
    reason = "RUN_CANNOT_BE_FOLLOWED"

    def __init__(self) -> None:
        super().__init__("the run cannot be followed right now; watch it again")


@dataclass(slots=True, kw_only=True, eq=False)
class _Followed:
    tail: Tail
    task: "asyncio.Task[None]"
    watchers: int = 0


class Followers:
    """Follows each run for as long as somebody watches it, however many they are."""

    def __init__(
        self,
        *,
        runs: RunStore,
        log: EventLog,
        fan_out: FanOut,
        heartbeat_seconds: float,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """A lost announcement costs `poll_seconds`, or a quarter of the silence before it where
        that is more, and five times `poll_seconds` at most.
        """
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._heartbeat_seconds = heartbeat_seconds
        self._poll_seconds = poll_seconds
        self._followed: dict[_Key, _Followed] = {}

    @asynccontextmanager
    async def joined(self, run: Run, cursor: int) -> AsyncGenerator[Tail]:
        """The run's tail, which holds what comes after `cursor` unless that is long past."""
        key = run.space_id, run.run_id
        followed = self._followed.get(key) or self._begin(run, cursor)
        followed.watchers += 1
        try:
            yield followed.tail
        finally:
            followed.watchers -= 1
            if not followed.watchers:
                await self._end(key, followed)

    def _begin(self, run: Run, cursor: int) -> _Followed:
        key = run.space_id, run.run_id
        begun = max(cursor, run.last_sequence - KEPT_EVENTS)
        tail = Tail(begun, heartbeat_seconds=self._heartbeat_seconds)
        if begun == 0 and run.last_sequence == 1:
            # Known without the log. What comes before the first announcement leaves a gap to it.
            tail.read([first_event(run)])
        # Owned here: it ends with the run, or with the last of its watchers.
        task = asyncio.get_running_loop().create_task(self._follow(key, tail), name="follow-run")
        self._followed[key] = _Followed(tail=tail, task=task)
        return self._followed[key]

    async def _end(self, key: _Key, followed: _Followed) -> None:
        if self._followed.get(key) is followed:
            del self._followed[key]
        followed.tail.close()
        followed.task.cancel()
        await asyncio.wait([followed.task])

    async def _follow(self, key: _Key, tail: Tail) -> None:
        try:
            async with self._fan_out.subscribe(*key) as subscription:
                await self._to_the_end(key, tail, subscription)
        except ObeliskError as error:
            tail.break_with(error)
        except Exception:  # noqa: BLE001 - whatever broke, its watchers must not wait for ever
            _log.exception("run %s cannot be followed", key[1])
            tail.break_with(CannotFollow())
        finally:
            followed = self._followed.get(key)
            if followed is not None and followed.tail is tail:
                del self._followed[key]

    async def _to_the_end(self, key: _Key, tail: Tail, subscription: Subscription) -> None:
        loop = asyncio.get_running_loop()
        if not tail.started:
            await self._read_on(key, tail)
        heard_at = loop.time()
        while not tail.has_ended:
            announced = await subscription.next(self._patience(loop.time() - heard_at))
            before = tail.position
            missed = not tail.take(announced) if announced else await self._went_on(key, tail)
            if missed:
                await self._read_on(key, tail)
            if tail.position != before:
                heard_at = loop.time()

    def _patience(self, silence: float) -> float:
        longest = self._poll_seconds * _SLOWEST_POLLS
        return min(longest, max(self._poll_seconds, silence * _SILENCE_SHARE))

    async def _went_on(self, key: _Key, tail: Tail) -> bool:
        """Whether the log has gone on unheard. Raises RunNotFound when the run is gone."""
        run = await self._patiently(lambda: self._runs.get(*key))
        return run.last_sequence > tail.position

    async def _read_on(self, key: _Key, tail: Tail) -> None:
        """Read the log to its end, however long the store is away."""
        page = None
        while page is None or len(page) == _PAGE:
            page = await self._patiently(lambda: self._log.read(*key, tail.position, _PAGE))
            tail.read(page)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await ask()
            except Unavailable as error:
                _log.debug("a run's log is not to be had: %s", error.message)
                await asyncio.sleep(self._poll_seconds)
