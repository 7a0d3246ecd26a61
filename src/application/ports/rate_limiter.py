from typing import Protocol

from domain.auth.rate import Rate


class RateLimiter(Protocol):
    """Counts attempts by key. A key is always used with one rate, and says nothing in the clear."""

    async def take(self, key: str, rate: Rate) -> float:
        """Count one attempt and return 0; when it is one too many, the seconds until the next.

        One that is too many is not counted: whoever goes on trying waits no longer for it. Of
        attempts made at the same moment, also by several processes, no more pass than allowed.
        """
        ...

    async def give_back(self, key: str, rate: Rate) -> None:
        """Forget one attempt that was counted, because it turned out well."""
        ...
