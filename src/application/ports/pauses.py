from datetime import datetime
from typing import Protocol


class Pauses(Protocol):
    """The runs of all spaces that wait for a person."""

    async def expire(self, before: datetime, limit: int) -> int:
        """Let runs wait no longer that are PAUSED since before then: the first `limit` of them.

        Each is QUEUED, marked to stop as EXPIRED, for whoever ends it; no answer reaches it any
        more. Answers how many those were.
        """
        ...
