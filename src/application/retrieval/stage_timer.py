"""Stages of a retrieval: each within its deadline, and each telling how long it took."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TypeVar

from application.ports.clock import Clock
from domain.errors import ObeliskError
from domain.runs.event import StageTimed

_log = logging.getLogger(__name__)
T = TypeVar("T")


class StageTimer:
    """Runs a stage within its deadline and reports how long it took."""

    def __init__(self, clock: Clock, report: Callable[[StageTimed], None]) -> None:
        self._clock = clock
        self._report = report

    async def within(self, stage: str, seconds: float, work: Coroutine[None, None, T]) -> T | None:
        """What the work gives; None when it failed, for whatever reason, or was late."""
        start = self._clock.monotonic()
        result: T | None = None
        try:
            async with asyncio.timeout(seconds):
                result = await work
        except (TimeoutError, ObeliskError) as error:
            _log.warning("stage %s was done without: %s", stage, error or "deadline")
        except Exception:  # noqa: BLE001 - told like any other, and the rest goes on
            _log.exception("stage %s was done without", stage)
        self.tell(stage, start, degraded=result is None)
        return result

    def now(self) -> float:
        """Seconds on the clock by which stages are timed."""
        return self._clock.monotonic()

    def tell(self, stage: str, start: float, *, degraded: bool = False) -> None:
        """Report a stage that began at `start` and ends now."""
        seconds = self._clock.monotonic() - start
        self._report(StageTimed(stage=stage, seconds=seconds, degraded=degraded))
