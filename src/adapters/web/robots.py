"""What sites' robots.txt say, believed for a while. Each space asks for itself."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from application.ports.clock import Clock
from domain.identifiers import SpaceId
from domain.safety.robots import RobotsRules

Read = Callable[[], Awaitable[RobotsRules]]
_Key = tuple[SpaceId, str]


class RobotsCache:
    """Least recently used out first; failures are not kept."""

    def __init__(self, clock: Clock, *, seconds: float, most: int) -> None:
        self._clock = clock
        self._life = timedelta(seconds=seconds)
        self._most = most
        self._kept: OrderedDict[_Key, tuple[datetime, RobotsRules]] = OrderedDict()

    async def rules(self, space: SpaceId, origin: str, read: Read) -> RobotsRules:
        """The rules of one origin, by `read` when they are not known or too old."""
        key = (space, origin)
        now = self._clock.now()
        kept = self._kept.get(key)
        if kept is not None and now < kept[0]:
            self._kept.move_to_end(key)
            return kept[1]
        rules = await read()
        self._kept[key] = (now + self._life, rules)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return rules
