"""Server processes measured from outside: what they say once they serve, and what they cost."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """`said` is the one line of JSON that the program printed."""

    pid: int
    said: dict[str, str]

    def cpu_seconds(self) -> float:
        """User and system time of the process itself, its own children not counted."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Memory of the process itself."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncGenerator[Child]:
    """Run `python -m module` until left; yields once it has said where it serves."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "GRPC_VERBOSITY": "ERROR"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=_ROOT,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        if not line:
            raise RuntimeError(f"{module} ended before it served")
        yield Child(pid=process.pid, said=json.loads(line))
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
