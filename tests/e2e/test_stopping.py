"""Ctrl-C at any moment leaves no process and no broken data."""

import asyncio
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.obelisk_process import (
    COMMAND,
    EXAMPLES,
    ObeliskProcess,
    environment,
    gone,
    processes_under,
)

INTERRUPTED = 130


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="obelisk-stop-") as path:
        yield Path(path)


async def test_ctrl_c_at_random_moments_of_the_demo_leaves_nothing_and_the_next_one_works(
    folder: Path,
) -> None:
    chance = random.Random(7)
    for seconds in [chance.uniform(0.1, 12.0) for _ in range(3)]:
        code, said = await _demo(folder, stop_after=seconds)
        assert code in (0, INTERRUPTED), f"stopped after {seconds:.1f} s: {said}"
        assert "Traceback" not in said, f"stopped after {seconds:.1f} s: {said}"
        assert await gone(folder), processes_under(folder)
    code, said = await _demo(folder)
    assert code == 0, said
    assert "each the same as it was streamed" in " ".join(said.split())


async def test_a_second_server_on_the_same_data_says_who_holds_it(
    server: ObeliskProcess, data_dir: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        env=environment(data_dir),
        cwd=data_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert str(server.process.pid) in said.decode()
    assert "Traceback" not in said.decode()


async def _demo(folder: Path, stop_after: float | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "demo",
        "--examples",
        str(EXAMPLES),
        env=environment(folder),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    talking = asyncio.ensure_future(process.communicate())
    if stop_after is not None:
        await asyncio.wait({talking}, timeout=stop_after)
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
    said, _ = await asyncio.wait_for(talking, 300)
    return process.returncode or 0, said.decode()
