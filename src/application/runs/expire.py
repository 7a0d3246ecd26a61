"""ExpirePauses: what nobody answers in time comes to an end, and its conversation goes on."""

import logging

from application.ports.clock import Clock
from application.ports.jobs import Jobs
from application.ports.pauses import Pauses
from domain.runs.pause import PausePolicy

_AT_ONCE = 100
_log = logging.getLogger(__name__)


class ExpirePauses:
    def __init__(self, *, pauses: Pauses, jobs: Jobs, policy: PausePolicy, clock: Clock) -> None:
        self._pauses = pauses
        self._jobs = jobs
        self._policy = policy
        self._clock = clock

    async def __call__(self) -> None:
        """Cheap when there is nothing to do. Raises Unavailable: try again later."""
        before = self._policy.paused_before(self._clock.now())
        while expired := await self._pauses.expire(before, _AT_ONCE):
            _log.info("%d paused runs end: nobody answered them in time", expired)
            self._jobs.wake()
