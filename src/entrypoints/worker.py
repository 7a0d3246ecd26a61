"""What makes a process a worker: no servers, and the installation's upkeep by the clock."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from adapters.postgres.pool import APPLICATION_ROLE
from adapters.procrastinate.engine import Chore, engine
from domain.errors import InvalidInput
from entrypoints.container import Container
from entrypoints.heap import settled_heap
from entrypoints.settings import Settings


def require_shared_database(settings: Settings) -> None:
    """Raises InvalidInput where a worker could only share work with itself."""
    if settings.database_url is None:
        raise InvalidInput(
            "a worker shares a database with the servers that it works for, and the embedded one "
            "belongs to one process; set OBELISK_DATABASE_URL, here and there"
        )


@asynccontextmanager
async def working(container: Container) -> AsyncGenerator[None]:
    """Beside the dispatcher, which is at work already: be woken, and do the upkeep."""
    chores = (
        Chore(name="retain_events", cron="17 3 * * *", work=container.retain_events()),
        Chore(name="expire_pauses", cron="*/5 * * * *", work=container.pausing().expire),
        Chore(name="resume_erasures", cron="*/5 * * * *", work=container.tenancy().erase.resume),
    )
    async with engine(
        container.direct_dsn(),
        role=APPLICATION_ROLE,
        wake=container.jobs().wake,
        chores=chores,
    ):
        with settled_heap():
            yield
