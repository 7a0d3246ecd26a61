"""TakeUpRun: become a run's only writer, then execute it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from application.ports.run_store import RunStore
from application.unbroken import unbroken
from domain.identifiers import RunId, SpaceId
from domain.runs.run import FenceLost, Run, RunNotFound

_log = logging.getLogger(__name__)


class TakeUpRun:
    def __init__(self, *, runs: RunStore, execute: Callable[[Run], Awaitable[None]]) -> None:
        self._runs = runs
        self._execute = execute

    async def __call__(self, space: SpaceId, run_id: RunId) -> None:
        """Claim the run and execute it; one that has ended or is gone is let alone."""
        try:
            run = await self._claim(space, run_id)
        except (FenceLost, RunNotFound):
            _log.info("run %s has ended or has another writer", run_id)
        else:
            await self._execute(run)

    async def _claim(self, space: SpaceId, run_id: RunId) -> Run:
        try:
            return await self._runs.claim(space, run_id)
        except asyncio.CancelledError:
            # Whether the claim was kept is not known here: a run that is to stop must still end.
            await unbroken(self._let_go(space, run_id))
            raise

    async def _let_go(self, space: SpaceId, run_id: RunId) -> None:
        if (await self._runs.get(space, run_id)).cancel_requested:
            await self._execute(await self._runs.claim(space, run_id))
