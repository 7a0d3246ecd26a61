"""`obelisk serve`, `obelisk worker` and `obelisk migrate`."""

import asyncio
from contextlib import suppress

from domain.runs.lease import WorkerKind
from entrypoints.cli.terminal import console, log_to_terminal
from entrypoints.server import serving
from entrypoints.settings import Settings
from entrypoints.startup import database, platform
from entrypoints.worker import require_shared_database, working


async def serve(settings: Settings) -> None:
    """Start everything, say where, and serve until cancelled."""
    log_to_terminal(settings.log_level)
    async with platform(settings, _report) as container, serving(container, settings) as at:
        console.print(
            f"[bold green]serving[/] gRPC {at.grpc}  REST {at.rest}  (Ctrl-C stops)", soft_wrap=True
        )
        # Being stopped is how a server ends: no error, and everything is closed on the way out.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    console.print("stopped")


async def work(settings: Settings) -> None:
    """Execute runs and read documents for the servers of the same database, until cancelled."""
    require_shared_database(settings)
    log_to_terminal(settings.log_level)
    async with (
        platform(settings, _report, kind=WorkerKind.WORKER) as container,
        working(container),
    ):
        console.print("[bold green]working[/]  (Ctrl-C stops)")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    console.print("stopped")


async def migrate_only(settings: Settings) -> None:
    """Apply what is pending, and say so."""
    log_to_terminal(settings.log_level)
    async with database(settings, _report):
        console.print("the schema is up to date")


def _report(what: str) -> None:
    console.print(f"[dim]{what}[/]")
