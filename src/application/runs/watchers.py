"""How many may watch at once, and who is there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.errors import InvalidInput, QuotaExceeded
from domain.identifiers import SpaceId

_RETRY_SECONDS = 5


class TooManyWatchers(QuotaExceeded):
    reason = "TOO_MANY_WATCHERS"

    def __init__(self, limit: int, *, of: str) -> None:
        super().__init__(
            f"this {of} has {limit} streams of runs open, as many as it may; end one, or come back",
            metadata={
                "limit": str(limit),
                "limit_of": of,
                "retry_after_seconds": str(_RETRY_SECONDS),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherLimits:
    """Streams of runs that may be open at once, here and for one space here."""

    a_process: int = 4_000
    a_space: int = 1_000

    def __post_init__(self) -> None:
        if min(self.a_process, self.a_space) < 1:
            raise InvalidInput("at least one watcher has to be let in")


class Watchers:
    """Places of those who watch, in this process."""

    def __init__(self, limits: WatcherLimits) -> None:
        self._limits = limits
        self._taken: Counter[SpaceId] = Counter()

    @property
    def count(self) -> int:
        """How many places are taken."""
        return self._taken.total()

    @contextmanager
    def place(self, space: SpaceId) -> Iterator[None]:
        """Hold a place while the context is open. Raises TooManyWatchers."""
        if self._taken[space] >= self._limits.a_space:
            raise TooManyWatchers(self._limits.a_space, of="space")
        if self.count >= self._limits.a_process:
            raise TooManyWatchers(self._limits.a_process, of="process")
        self._taken[space] += 1
        try:
            yield
        finally:
            self._taken[space] -= 1
            if not self._taken[space]:
                del self._taken[space]
