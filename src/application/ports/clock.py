from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, as a dependency."""

    def now(self) -> datetime:
        """The current time, in UTC, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...
