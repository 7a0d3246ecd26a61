"""Seconds that may be spent waiting for a child: what is done between the waits is not counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class RanOut(Exception):
    """The child was waited for as long as it may take."""


class Allowance:
    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Use around each wait. Raises RanOut."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            async with asyncio.timeout(self._left):
                yield
        except TimeoutError as error:
            raise RanOut from error
        finally:
            self._left -= clock() - begun
