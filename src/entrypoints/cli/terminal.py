"""What all commands share: the terminal, a clean way out, and errors as one clear line."""

import asyncio
import logging
import re
import signal
import sys
from collections.abc import Coroutine
from typing import NoReturn

import grpc
import typer
import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from domain.errors import ObeliskError
from entrypoints.settings import Settings

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

_INTERRUPTED = 130
_STOPPING = (signal.SIGINT, signal.SIGTERM)
# What would steer a terminal, or turn the direction of what follows.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def run_async(command: Coroutine[None, None, None]) -> None:
    """Run a command to its end; errors that people can act on become one line and exit code 1."""
    # All that it needs is imported: from here on there is something to close.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_terminated(command))
    except (KeyboardInterrupt, asyncio.CancelledError):
        errors.print("[yellow]stopped[/]")
        raise typer.Exit(_INTERRUPTED) from None
    except ObeliskError as error:
        _fail(error.message)
    except grpc.aio.AioRpcError as error:
        _fail(_told(error))


def one_line(text: str) -> str:
    """Somebody's text, safe to be shown; one character for another, so that places in it hold."""
    return _STEERING.sub(" ", text)


def settings() -> Settings:
    """The settings of this command; what is wrong with them is said, a line each."""
    try:
        return Settings()
    except SettingsError as error:
        _fail(f"{error}; a list is written as JSON")
    except ValidationError as error:
        wrong = [
            f"OBELISK_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        ]
        _fail("; ".join(wrong))


def log_to_terminal(level: str) -> None:
    """Warnings and errors of our own on standard error; libraries only from ERROR on."""
    handler = RichHandler(console=errors, show_path=False, rich_tracebacks=False)
    logging.basicConfig(level=logging.ERROR, format="%(message)s", handlers=[handler], force=True)
    for name in ("adapters", "application", "entrypoints"):
        logging.getLogger(name).setLevel(level)


async def _until_terminated(command: Coroutine[None, None, None]) -> None:
    """The first Ctrl-C or SIGTERM cancels the command; later ones cannot disturb its closing."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def stop_once() -> None:
        for received in _STOPPING:
            loop.add_signal_handler(received, lambda: None)
        if task is not None:
            task.cancel()

    for awaited in _STOPPING:
        loop.add_signal_handler(awaited, stop_once)
    await command


def _told(error: grpc.aio.AioRpcError) -> str:
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return f"no answer from the server ({error.details()}); start one with: obelisk serve"
    return error.details() or error.code().name


def _fail(message: str) -> NoReturn:
    errors.print("[bold red]error[/]", Text(message), soft_wrap=True)
    sys.exit(1)
