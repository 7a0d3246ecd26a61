"""How often something may be tried, and when it may be tried again.

Source: the generic cell rate algorithm (ITU-T I.371): one number a key says all, `due`, the time at
which everything counted so far would be paid off. A burst of `limit` is allowed, then one for each
`seconds / limit`.
"""

import math
from dataclasses import dataclass

from domain.errors import QuotaExceeded

# So that `limit` takes at one moment are `limit`, whatever binary fractions make of their sum.
_TOLERANCE = 1e-6


class TooManyAttempts(QuotaExceeded):
    """`retry_after_seconds` in the metadata: whole seconds, at least 1."""

    reason = "TOO_MANY_ATTEMPTS"

    def __init__(self, wait: float) -> None:
        seconds = max(1, math.ceil(wait))
        super().__init__(
            f"too many attempts; try again in {seconds} s",
            metadata={"retry_after_seconds": str(seconds)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `limit` at once, and as many again in each `seconds`. Both are above zero."""

    limit: int
    seconds: float

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.seconds < math.inf:
            raise ValueError(f"a rate is above zero, not {self.limit} in {self.seconds} s")

    @property
    def interval(self) -> float:
        """Seconds after which one more is allowed."""
        return self.seconds / self.limit

    def take(self, due: float, now: float) -> tuple[float, float]:
        """The `due` after one more, and the seconds to wait when it is one too many.

        When the wait is above zero, `due` is as before.
        """
        after = max(due, now) + self.interval
        wait = after - now - self.seconds
        return (due, wait) if wait > self.interval * _TOLERANCE else (after, 0.0)
