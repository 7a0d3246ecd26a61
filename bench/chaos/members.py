"""The processes of the installation, looked after as an init system would: who ends is replaced."""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from bench.chaos.member import TELL, Kind, MemberConfig, live, ready_file

_POLL_SECONDS = 0.05
_READY_SECONDS = 60.0
_AGAIN_SECONDS = 0.5
_STOP_SECONDS = 20.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True, kw_only=True)
class Member:
    """A place in the installation; the process in it changes."""

    name: str
    config: MemberConfig
    process: ForkServerProcess | None = None
    wanted: bool = True
    starting: bool = False
    ready: bool = False

    @property
    def kind(self) -> Kind:
        return self.config.kind

    @property
    def target(self) -> str:
        """Where a server serves gRPC."""
        return f"127.0.0.1:{self.config.grpc_port}"


class Members:
    """Starts all, keeps them, and ends each process that it has started, and no other.

    `ends` are those of processes that served, and that nobody had ended.
    """

    def __init__(self, configs: Sequence[MemberConfig]) -> None:
        # Where the process that forks the others finds what it is to import.
        os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(_ROOT / "src")])
        self.ends: list[str] = []
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["bench.chaos.member"])
        counts: dict[str, int] = {}
        self.all: list[Member] = []
        for config in configs:
            counts[config.kind] = counts.get(config.kind, 0) + 1
            name = f"{config.kind} {counts[config.kind]}"
            self.all.append(Member(name=name, config=config))

    def of(self, kind: Kind) -> list[Member]:
        return [member for member in self.all if member.kind == kind]

    async def start(self, member: Member) -> None:
        """Put a process in its place; returns when it is at work, or has ended again."""
        member.wanted, member.ready, member.starting = True, False, True
        process = self._context.Process(target=live, args=(member.config,), daemon=True)
        await asyncio.to_thread(process.start)
        member.process = process
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await _at_work(member, process)
        finally:
            member.starting = False
        member.ready = process.is_alive()

    async def kill(self, member: Member, received: signal.Signals) -> None:
        """End the process in its place; returns when it has gone."""
        member.wanted, member.ready = False, False
        process = member.process
        if process is None or process.pid is None:
            return
        if process.is_alive():
            os.kill(process.pid, received)
        if not await _gone(process):
            self.ends.append(f"{member.name} did not end {_STOP_SECONDS:.0f} s after {received!r}")
            os.kill(process.pid, TELL)
            await asyncio.sleep(_AGAIN_SECONDS)
            process.kill()
            await _gone(process)

    async def keep(self) -> None:
        """Until cancelled, start again what ended by itself."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            for member in self.all:
                if _has_ended(member):
                    await self._replace(member)

    async def _replace(self, member: Member) -> None:
        if member.ready:
            self.ends.append(f"{member.name} ended by itself")
        member.ready = False
        await asyncio.sleep(_AGAIN_SECONDS)
        # Meanwhile somebody else may have seen to it.
        if _has_ended(member):
            await self.start(member)

    async def stop(self) -> None:
        """End all, in good order where they let us."""
        async with asyncio.TaskGroup() as group:
            for member in self.all:
                group.create_task(self.kill(member, signal.SIGTERM))


def _has_ended(member: Member) -> bool:
    """Whether there is no process although there should be one."""
    process = member.process
    idle = member.wanted and not member.starting
    return idle and process is not None and not process.is_alive()


async def _gone(process: ForkServerProcess) -> bool:
    """Wait for its end; whether it came in time."""
    for _ in range(int(_STOP_SECONDS / _POLL_SECONDS)):
        if not process.is_alive():
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def _at_work(member: Member, process: ForkServerProcess) -> None:
    """Wait until it says that it is, or has ended."""
    said = ready_file(Path(member.config.data_dir), process.pid or 0)
    # A process of an earlier life may have had the same number.
    said.unlink(missing_ok=True)
    while True:
        if not process.is_alive() or said.exists():
            return
        await asyncio.sleep(_POLL_SECONDS)


def free_port() -> int:
    """A port of this machine that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
