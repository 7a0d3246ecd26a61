"""One process of the installation: `obelisk serve` with a stub model, an embedder and tools.

It is forked from a process that has imported everything, so that a new one is there at once.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer
from bench.chaos.effects import EffectTool
from bench.chaos.stub_model import RestlessChatModel
from dependency_injector import providers
from pydantic import SecretStr

from adapters.memory.hash_embedder import HashEmbedder
from application.ports.chat_model import ChatModel
from application.ports.embedder import Embedder
from domain.agents.effect import Effect
from domain.runs.lease import WorkerKind
from entrypoints.cli.terminal import log_to_terminal, run_async
from entrypoints.container import Container
from entrypoints.server import serving
from entrypoints.settings import Settings
from entrypoints.startup import platform
from entrypoints.worker import working

Kind = Literal["server", "worker"]
# What the agents' plans call: tools that take a key, and tools that cannot tell.
TOOLS = {
    "brand_check": Effect.KEYED,
    "keyword_report": Effect.ONCE,
    "campaign_precedents": Effect.KEYED,
    "competitor_scan": Effect.ONCE,
}
_DIE_WITH_PARENT = 1
# On this signal a process writes into its log what it waits for.
TELL = signal.SIGUSR1


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfig:
    """Plain, because it crosses into the new process."""

    kind: Kind
    data_dir: str
    grpc_port: int
    rest_port: int
    owner_dsn: str
    application_dsn: str
    redis_url: str
    log: str
    effects: str


def live(config: MemberConfig) -> None:
    """Be that process until killed or told to end."""
    # Whoever started it may be killed too; nothing is to stay behind then.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    _write_to(Path(config.log))
    place = Path(config.effects)
    tools = {
        name: providers.Object(EffectTool(name, effect, place)) for name, effect in TOOLS.items()
    }
    Container.tools.add_kwargs(tools)
    log_to_terminal("INFO")
    try:
        run_async(_PARTS[config.kind](_settings(config)))
    except typer.Exit as stopped:
        # The command line does this for the real ones.
        sys.exit(stopped.exit_code)


async def _stub_models(settings: Settings, stack: AsyncExitStack) -> tuple[ChatModel, Embedder]:
    return RestlessChatModel(), HashEmbedder()


async def _serve(settings: Settings) -> None:
    async with platform(settings, print, _stub_models) as container, serving(container, settings):
        await _at_work(settings)


async def _work(settings: Settings) -> None:
    async with (
        platform(settings, print, _stub_models, kind=WorkerKind.WORKER) as container,
        working(container),
    ):
        await _at_work(settings)


async def _at_work(settings: Settings) -> None:
    """Say so, and be it until told to end."""
    asyncio.get_running_loop().add_signal_handler(TELL, _tell)
    ready_file(settings.data_dir, os.getpid()).touch()
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _tell() -> None:
    for task in asyncio.all_tasks():
        print("task", task.get_name(), *_awaits(task.get_coro()), sep="\n  ", flush=True)


def _awaits(what: object) -> Iterator[str]:
    """Where it waits, outermost first."""
    while what is not None:
        frame = getattr(what, "cr_frame", None) or getattr(what, "ag_frame", None)
        yield f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else repr(what)
        what = getattr(what, "cr_await", None) or getattr(what, "ag_await", None)


def ready_file(data_dir: Path, pid: int) -> Path:
    """What a process leaves in the data folder once it is at work."""
    return data_dir / f"{pid}.ready"


_PARTS: dict[Kind, Callable[[Settings], Coroutine[None, None, None]]] = {
    "server": _serve,
    "worker": _work,
}


def _settings(config: MemberConfig) -> Settings:
    """Its own alone, whatever this machine's environment says."""
    for name in [name for name in os.environ if name.startswith("OBELISK_")]:
        del os.environ[name]
    given = {
        "data_dir": Path(config.data_dir),
        "log_level": "INFO",
        "grpc_port": config.grpc_port,
        "rest_port": config.rest_port,
        "database_url": SecretStr(config.owner_dsn),
        "app_database_url": SecretStr(config.application_dsn),
        "database_pool_size": 8,
        "redis_url": SecretStr(config.redis_url),
        "chat_sections": 0,
        "token_minutes": 1440,
        "runs_at_once": 6,
        # Here a run is killed more often than one that kills its process would be.
        "run_attempts": 50,
    }
    return Settings().model_copy(update=given)


def _write_to(log: Path) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(handle, stream.fileno())
    os.close(handle)
