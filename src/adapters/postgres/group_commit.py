"""One commit for the appends of many runs: while one is under way, the next ones gather."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from adapters.postgres.appends import Append, Key, Placed
from adapters.postgres.errors import DatabaseUnavailable
from domain.errors import Unavailable
from domain.runs.run import FenceLost

Commit: TypeAlias = Callable[[Sequence[Append]], Awaitable[Mapping[Key, Placed | None]]]
"""Commits a group, each run at most once, and says of each run where its events stand, or None when
the fence was lost. A run that it leaves out has to come alone; one that is alone is never left out.
"""

LANES = 2
_ALONE_LANES = 4
_MOST_APPENDS = 256
_MOST_EVENTS = 4096
_MOST_CHARACTERS = 4 * 1024 * 1024


class _Waiting:
    """An append that has not been answered; `flight` is the commit that carries it."""

    __slots__ = ("answer", "append", "flight")

    def __init__(self, append: Append) -> None:
        self.append = append
        self.answer: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        self.flight: asyncio.Task[None] | None = None


class GroupCommit:
    """An append that finds nothing under way is committed at once; the others go in groups.

    Groups are bounded and taken in the order of arrival. A run is in one group at a time, so its
    appends keep their order. What fails as a group is committed one by one, so that nobody fails
    for another's sake.
    """

    def __init__(self, commit: Commit, *, lanes: int = LANES) -> None:
        self._commit = commit
        self._lanes = lanes
        self._alone_lanes = _ALONE_LANES
        # The oldest append of each run; those that come without a group; and the others, by run.
        self._ready: deque[_Waiting] = deque()
        self._alone: deque[_Waiting] = deque()
        self._behind: dict[Key, deque[_Waiting]] = {}
        self._boarding = False
        self._flights: set[asyncio.Task[None]] = set()

    async def append(self, append: Append) -> Placed:
        """Commit the append and say where it stands.

        Cancelled before it is on its way, it is withdrawn; later, the news waits until the commit
        is over, so that whoever looks into the log afterwards sees what became of it.

        Raises:
            FenceLost: nothing was kept.
            DatabaseUnavailable: it may have been kept, or not.
        """
        waiting = _Waiting(append)
        self._enqueue(waiting)
        self._depart()
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            while waiting.flight is not None and not waiting.flight.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({waiting.flight})
            raise

    def _enqueue(self, waiting: _Waiting) -> None:
        earlier = self._behind.get(waiting.append.key)
        if earlier is None:
            self._behind[waiting.append.key] = deque()
            self._ready.append(waiting)
        else:
            earlier.append(waiting)

    def _depart(self) -> None:
        if self._ready and self._lanes and not self._boarding:
            self._lanes -= 1
            self._boarding = True
            self._start(self._fly_together())
        while self._alone and self._alone_lanes:
            self._alone_lanes -= 1
            self._start(self._fly_alone(self._alone.popleft()))

    def _start(self, flight: Coroutine[None, None, None]) -> None:
        # Owned here: it ends with its one commit, and those who wait for that wait for it.
        task = asyncio.get_running_loop().create_task(flight)
        self._flights.add(task)
        task.add_done_callback(self._flights.discard)

    async def _fly_together(self) -> None:
        # Only now: what was asked for in the same turn of the loop goes together.
        group = list(self._board())
        self._boarding = False
        self._depart()
        try:
            if group:
                await self._carry(group)
        finally:
            self._lanes += 1
            self._depart()

    async def _fly_alone(self, waiting: _Waiting) -> None:
        try:
            if waiting.answer.done():
                self._landed(waiting)
            else:
                waiting.flight = asyncio.current_task()
                await self._carry([waiting])
        finally:
            self._alone_lanes += 1
            self._depart()

    def _board(self) -> Iterator[_Waiting]:
        flight = asyncio.current_task()
        appends, events, characters = 0, 0, 0
        while self._ready and appends < _MOST_APPENDS:
            waiting = self._ready[0]
            events += len(waiting.append.kinds)
            characters += waiting.append.characters
            if appends and (events > _MOST_EVENTS or characters > _MOST_CHARACTERS):
                return
            self._ready.popleft()
            if waiting.answer.done():
                self._landed(waiting)
                continue
            appends += 1
            waiting.flight = flight
            yield waiting

    async def _carry(self, group: list[_Waiting]) -> None:
        try:
            placed = await self._commit([waiting.append for waiting in group])
        except (Unavailable, asyncio.CancelledError) as error:
            for waiting in group:
                self._landed(waiting, DatabaseUnavailable())
            if isinstance(error, asyncio.CancelledError):
                raise
        except Exception as error:  # noqa: BLE001 - handed on to the one whose fault it is
            if len(group) > 1:
                self._alone.extend(group)
            else:
                self._landed(group[0], error)
        else:
            for waiting in group:
                key = waiting.append.key
                if key in placed:
                    self._landed(waiting, placed[key] or FenceLost())
                else:
                    self._alone.append(waiting)

    def _landed(self, waiting: _Waiting, outcome: Placed | Exception | None = None) -> None:
        """Answer who still listens, and let the run's next append come forward."""
        if isinstance(outcome, Placed) and not waiting.answer.done():
            waiting.answer.set_result(outcome)
        elif isinstance(outcome, Exception) and not waiting.answer.done():
            waiting.answer.set_exception(outcome)
        behind = self._behind[waiting.append.key]
        if behind:
            self._ready.append(behind.popleft())
        else:
            del self._behind[waiting.append.key]
