"""GetRun and ListRuns."""

from application.context import RequestContext
from application.ports.run_store import RunStore
from domain.identifiers import RunId
from domain.paging import Page, PageRequest
from domain.runs.run import Run
from domain.tenancy.access import Action


class ReadRuns:
    def __init__(self, *, runs: RunStore) -> None:
        self._runs = runs

    async def get(self, context: RequestContext, *, run_id: RunId) -> Run:
        """Raises RunNotFound."""
        return await self._runs.get(context.space_for(Action.READ), run_id)

    async def list(self, context: RequestContext, *, page: PageRequest) -> Page[Run]:
        """Runs, newest first."""
        return await self._runs.list(context.space_for(Action.READ), page)
