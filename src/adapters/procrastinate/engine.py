"""The task engine of `obelisk worker`: wakes it when work waits, and does upkeep by the clock.

A job carries nothing but its name: what there is to do is read from the tables, under their own
rules. So one that comes twice, late or never is harmless.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

_log = logging.getLogger(__name__)
_QUEUE = "obelisk"
_MOST_CONNECTIONS = 2
_AGAIN_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_STALLED_SECONDS = 30.0
# Who speaks of the engine's losing the database; asyncio of jobs that it had just begun.
_SPEAKERS = (
    "procrastinate.utils",
    "procrastinate.worker",
    "procrastinate.worker.obelisk",
    "asyncio",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Upkeep of the whole installation: done by one worker at a time, whenever `cron` says."""

    name: str
    cron: str
    work: Callable[[], Awaitable[None]]


@asynccontextmanager
async def engine(
    dsn: str,
    *,
    role: str,
    wake: Callable[[], None],
    chores: Sequence[Chore],
    patience: float = _CONNECT_SECONDS,
) -> AsyncGenerator[None]:
    """Work on the engine's jobs until left: at most three connections, as `role`.

    It waits `patience` seconds for a connection.

    `dsn` leads to PostgreSQL itself, no pooler: the engine listens. It starts again whenever it
    loses the database.
    """
    # Owned here: cancelled and awaited on the way out.
    task = asyncio.get_running_loop().create_task(
        _for_ever(lambda: _app(dsn, role, wake, chores, patience))
    )
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _for_ever(made: Callable[[], App]) -> None:
    for name in _SPEAKERS:
        logging.getLogger(name).addFilter(_is_news)
    itself = asyncio.current_task()
    # Without the database the engine answers a cancellation with an error of its own.
    while itself is None or not itself.cancelling():
        app = made()
        try:
            async with app.open_async():
                await app.run_worker_async(
                    queues=[_QUEUE],
                    name="obelisk",
                    concurrency=2,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=2.0,
                    stalled_worker_timeout=_STALLED_SECONDS,
                )
            _log.warning("the task engine starts again: it has lost the database")
        except Exception as error:  # noqa: BLE001 - the dispatcher goes on by itself meanwhile
            _log.warning("the task engine starts again: %s", type(error).__name__)
        await asyncio.sleep(_AGAIN_SECONDS)


def _is_news(record: logging.LogRecord) -> bool:
    """A lost database is told in a line when the engine starts again, not in two tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectorException))


def _app(
    dsn: str, role: str, wake: Callable[[], None], chores: Sequence[Chore], patience: float
) -> App:
    app = App(
        connector=PsycopgConnector(
            conninfo=dsn,
            min_size=1,
            max_size=_MOST_CONNECTIONS,
            timeout=patience,
            reconnect_timeout=patience,
            kwargs={
                "application_name": "obelisk worker",
                "options": f"-c role={role} -c search_path=procrastinate",
            },
        )
    )

    @app.task(name="dispatch", queue=_QUEUE)
    async def dispatch() -> None:
        wake()

    for chore in (*chores, Chore(name="clear_stalled", cron="* * * * *", work=_clearing(app))):
        _schedule(app, chore)
    return app


def _schedule(app: App, chore: Chore) -> None:
    async def perform(timestamp: int) -> None:
        await chore.work()

    # One at a time, and one more waiting at most.
    task = app.task(name=chore.name, queue=_QUEUE, lock=chore.name, queueing_lock=chore.name)
    app.periodic(cron=chore.cron)(task(perform))


def _clearing(app: App) -> Callable[[], Awaitable[None]]:
    async def clear() -> None:
        """Jobs of workers that died: the next ones do what they stood for."""
        manager = app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
            await manager.finish_job(job, status=Status.FAILED, delete_job=True)

    return clear
