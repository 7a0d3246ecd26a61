"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, tzinfo=UTC)


class FixedClock:
    def __init__(self, start: datetime = _START) -> None:
        if start.utcoffset() != timedelta(0):
            raise ValueError(f"the clock tells UTC; {start!r} does not")
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; a clock never goes back."""
        if seconds < 0:
            raise ValueError(f"a clock never goes back, not even by {-seconds} s")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_now(self, now: datetime) -> None:
        """Correct the calendar, as a time server would; the monotonic clock does not notice."""
        if now.utcoffset() != timedelta(0):
            raise ValueError(f"the clock tells UTC; {now!r} does not")
        self._now = now
