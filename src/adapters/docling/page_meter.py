"""How far the reading of a file is, told by the child seldom enough to cost nothing."""

import time
from collections.abc import Callable
from typing import TypeAlias

# Pages read, of how many.
TellPages: TypeAlias = Callable[[int, int], None]
_SECONDS = 0.25


class PageMeter:
    """Passes on ever higher numbers, a quarter of a second apart, and not the last one."""

    def __init__(self, tell: TellPages, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._done = 0
        self._told = clock()

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if self._done < done < total and now - self._told >= _SECONDS:
            self._done, self._told = done, now
            self._tell(done, total)


def tell_nobody(_done: int, _total: int) -> None:
    """For files that have no pages to wait for."""
