"""Runs of one space accepted in one statement: while one is under way, the next ones gather."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from adapters.postgres.errors import DatabaseUnavailable
from domain.errors import Unavailable
from domain.identifiers import SpaceId

Terms: TypeAlias = tuple[object, ...]
"""The arguments of `obelisk.accept_run` after the space; the seventh is the request's id."""

Row = TypeVar("Row")
Accept: TypeAlias = Callable[[SpaceId, Sequence[Terms]], Awaitable[Sequence[Row]]]
"""Accepts runs of one space in one commit, and answers a row for each, in their order."""

_Waiting: TypeAlias = tuple[Terms, asyncio.Future[Row]]
_MOST = 64
_REQUEST = 6


class GatheredAccepts(Generic[Row]):
    """A space's lock lets one commit at a time begin runs; those who find it taken would queue.

    What fails as a group is accepted one by one, so that nobody fails for another's sake. Spaces
    do not wait for each other.
    """

    def __init__(self, accept: Accept[Row]) -> None:
        self._accept = accept
        self._waiting: dict[SpaceId, list[_Waiting[Row]]] = {}
        self._flights: set[asyncio.Task[None]] = set()

    async def __call__(self, space: SpaceId, terms: Terms) -> Row:
        """The row of `obelisk.accept_run`. Raises what that raises."""
        answer: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        under_way = self._waiting.get(space)
        if under_way is not None:
            under_way.append((terms, answer))
        else:
            self._waiting[space] = [(terms, answer)]
            # Owned here: it ends when nobody waits for it.
            flight = asyncio.get_running_loop().create_task(self._fly(space))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return await answer

    async def _fly(self, space: SpaceId) -> None:
        waiting = self._waiting[space]
        try:
            while waiting:
                group = waiting[:_MOST]
                del waiting[:_MOST]
                # In one order everywhere: two processes may be given the same requests.
                group.sort(key=lambda one: str(one[0][_REQUEST] or ""))
                await self._carry(space, group)
        finally:
            del self._waiting[space]
            for _, answer in waiting:
                answer.cancel()

    async def _carry(self, space: SpaceId, group: list[_Waiting[Row]]) -> None:
        try:
            rows = await self._accept(space, [terms for terms, _ in group])
        except (Unavailable, asyncio.CancelledError) as error:
            for _, answer in group:
                _fail(answer, DatabaseUnavailable())
            if isinstance(error, asyncio.CancelledError):
                raise
        except Exception as error:  # noqa: BLE001 - handed on to the one whose fault it is
            if len(group) == 1:
                _fail(group[0][1], error)
                return
            for one in group:
                await self._carry(space, [one])
        else:
            for (_, answer), row in zip(group, rows, strict=True):
                if not answer.done():
                    answer.set_result(row)


def _fail(answer: "asyncio.Future[Row]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
