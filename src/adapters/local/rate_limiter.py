"""Attempts counted in this process."""

from collections import OrderedDict

from application.ports.clock import Clock
from domain.auth.rate import Rate

_MOST_KEYS = 100_000


class InProcessRateLimiter:
    """Of more keys than `most_keys`, those that were used longest ago are forgotten."""

    def __init__(self, clock: Clock, *, most_keys: int = _MOST_KEYS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._due: OrderedDict[str, float] = OrderedDict()

    async def take(self, key: str, rate: Rate) -> float:
        now = self._clock.monotonic()
        due, wait = rate.take(self._due.get(key, now), now)
        if wait == 0:
            self._keep(key, due)
        else:
            # In use: or whoever is refused could bring so many keys that theirs is forgotten.
            self._due.move_to_end(key)
        return wait

    async def give_back(self, key: str, rate: Rate) -> None:
        if key in self._due:
            self._due[key] -= rate.interval
            if self._due[key] <= self._clock.monotonic():
                del self._due[key]

    def _keep(self, key: str, due: float) -> None:
        self._due[key] = due
        self._due.move_to_end(key)
        now = self._clock.monotonic()
        # Whatever is paid off says nothing any more; the rest goes only for want of room.
        while self._due and (
            len(self._due) > self._most_keys or next(iter(self._due.values())) <= now
        ):
            self._due.popitem(last=False)
