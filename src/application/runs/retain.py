"""RetainEvents: make room in the event log for what is to come, and forget what is past."""

import logging

from application.ports.clock import Clock
from application.ports.event_retention import EventRetention
from domain.runs.retention import RetentionPolicy

_log = logging.getLogger(__name__)


class RetainEvents:
    def __init__(self, *, retention: EventRetention, policy: RetentionPolicy, clock: Clock) -> None:
        self._retention = retention
        self._policy = policy
        self._clock = clock

    async def __call__(self) -> None:
        """Cheap when there is nothing to do. Raises Unavailable: try again later."""
        weeks = self._policy.weeks_at(self._clock.now())
        if await self._retention.keep(weeks):
            _log.info("the events of runs that began before %s are gone", weeks.oldest)
