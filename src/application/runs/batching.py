"""How many runs this process is at work on, and so how long the tokens of each may gather."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.runs.batching import batch_seconds


class Batching:
    """One for each process: runs that come and go change the window of all."""

    def __init__(self) -> None:
        self._runs = 0

    @property
    def runs(self) -> int:
        """How many are at work."""
        return self._runs

    def seconds(self) -> float:
        """How long tokens may gather now."""
        return batch_seconds(self._runs)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A run is at work while the context is open."""
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1
