"""One child process that reads files, seen from the parent."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import adapters
from adapters.docling.frames import HEADER, FrameTooLong, encode_frame, encode_json, frame_length

_LAST_BREATH_SECONDS = 1.0
_SOURCE_FOLDER = Path(adapters.__path__[0]).parent


class ChildDied(Exception):
    """The child ended without an answer.

    `ran_out_of_cpu` tells the usual reason; `was_killed` when somebody else ended it, such as the
    system when memory was short.
    """

    def __init__(self, *, ran_out_of_cpu: bool = False, was_killed: bool = False) -> None:
        super().__init__("the child ended without an answer")
        self.ran_out_of_cpu = ran_out_of_cpu
        self.was_killed = was_killed


class ChildTask(Enum):
    """What a child is for. One for pictures knows no other files, and is small."""

    DOCUMENTS = "documents"
    PICTURES = "pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """`memory_bytes` of address space; `cpu_seconds` for each file.

    `layout_models` is the folder of the only models that it may load.
    """

    memory_bytes: int
    cpu_seconds: int
    task: ChildTask = ChildTask.DOCUMENTS
    layout_models: Path | None = None


class ChildProcess:
    """A child answers one request at a time, and is killed when it must be stopped."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ready = False
        self.answered = 0
        self.resident_bytes = 0
        self.spent = False

    @classmethod
    async def spawn(cls, limits: ChildLimits) -> "ChildProcess":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "adapters.docling.child",
            str(os.getpid()),
            str(limits.memory_bytes),
            str(limits.cpu_seconds),
            limits.task.value,
            *([str(limits.layout_models)] if limits.layout_models else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def ready(self) -> None:
        """Wait until docling is imported. Raises ChildDied."""
        if not self._ready:
            await self.reply()
            self._ready = True

    async def ask(self, header: dict[str, str], content: bytes) -> None:
        """Send a file; what the child says of it is read by `reply`. Raises ChildDied."""
        writer = self._process.stdin
        assert writer is not None
        try:
            writer.write(encode_json(header))
            writer.write(encode_frame(content))
            await writer.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise await self._died() from error
        self.answered += 1

    async def kill(self) -> None:
        """Stop the child at once and wait until it is gone."""
        if self.is_alive:
            self._process.kill()
        await self._process.wait()

    async def reply(self) -> dict[str, object]:
        """Wait for the next that the child says. Raises ChildDied."""
        reader = self._process.stdout
        assert reader is not None
        try:
            length = frame_length(await reader.readexactly(HEADER.size))
            reply = json.loads(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionResetError) as error:
            raise await self._died() from error
        except (FrameTooLong, ValueError) as error:
            await self.kill()
            raise ChildDied from error
        if not isinstance(reply, dict):
            await self.kill()
            raise ChildDied
        self._note(reply)
        return reply

    def _note(self, reply: dict[object, object]) -> None:
        if isinstance(resident := reply.get("resident_bytes"), int):
            self.resident_bytes = resident
        self.spent = reply.get("spent") is True

    async def _died(self) -> ChildDied:
        # Its pipes close a moment before its exit status, which tells the reason, can be read.
        try:
            async with asyncio.timeout(_LAST_BREATH_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
            return ChildDied()
        code = self._process.returncode
        return ChildDied(ran_out_of_cpu=code == -signal.SIGXCPU, was_killed=code == -signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Nothing of ours but what Python needs; no search path, so no helper programs either."""
    return {
        "PYTHONPATH": str(_SOURCE_FOLDER),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "PATH": "",
        "HOME": "/nonexistent",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }
