"""The data directory: made whole or not at all, and left to no one else's server."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.files import sync_folder
from adapters.postgres.embedded.residence import Residence
from adapters.postgres.embedded.settings import shared_memory_type
from adapters.postgres.embedded.sockets import SOCKET_NAME
from adapters.postgres.embedded.spawner import Spawner

_UNFINISHED = "data.new-"
# The libc ctype steers the text search parser: under C it takes curly quotes for letters.
_CTYPES = ("C.UTF-8", "C")
_OPTIONS = (
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)


def ensure_cluster(home: Residence, spawner: Spawner, lock: int, deadline: float) -> Path:
    """The data directory of `home`, made if it is missing, and of the programs' major version.

    The caller holds the server lock `lock`; initdb inherits it. Raises EmbeddedPostgresError.
    """
    data = home.state / "data"
    for unfinished in home.state.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if not _exists(data):
        _create(data, home, spawner, lock, deadline)
    found = (data / "PG_VERSION").read_text().strip()
    if found != home.major:
        raise EmbeddedPostgresError(
            f"{data} was made by PostgreSQL {found} and the installed programs are version "
            f"{home.major}; dump it with version {found} and restore it here, or use another folder"
        )
    return data


def clear_stale_files(data: Path, sockets: Path) -> None:
    """Remove the pid files of a server that is gone when its number is somebody else's by now.

    PostgreSQL itself removes those of a dead number, but would refuse to start beside a live one.
    Raises EmbeddedPostgresError when a server that was not started here runs on the directory.
    """
    pid = recorded_pid(data)
    if pid is not None and _serves(pid, data):
        raise EmbeddedPostgresError(
            f"a PostgreSQL started by other means (process {pid}) runs on {data}; stop it first"
        )
    if pid is not None and Path("/proc", str(pid)).exists():
        (data / "postmaster.pid").unlink(missing_ok=True)
    for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (sockets / name).unlink(missing_ok=True)


def recorded_pid(data: Path) -> int | None:
    """The number in postmaster.pid, which proves nothing about the process that has it now."""
    try:
        return int((data / "postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError):
        return None


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server `pid` accepts connections, as it notes itself in postmaster.pid."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").split("\n")
    except OSError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _serves(pid: int, data: Path) -> bool:
    process = Path("/proc", str(pid))
    with contextlib.suppress(OSError):
        return (process / "comm").read_text().startswith("postgres") and (
            (process / "cwd").samefile(data)
        )
    return False


def _exists(data: Path) -> bool:
    if (data / "PG_VERSION").is_file():
        return True
    if data.exists() and any(data.iterdir()):
        raise EmbeddedPostgresError(
            f"{data} is not empty and holds no database; move it away, or use another folder"
        )
    return False


def _create(data: Path, home: Residence, spawner: Spawner, lock: int, deadline: float) -> None:
    said = ""
    for ctype in _CTYPES:
        unfinished = data.with_name(f"{_UNFINISHED}{secrets.token_hex(4)}")
        memory = f"dynamic_shared_memory_type={shared_memory_type()}"
        options = [*_OPTIONS, f"--lc-ctype={ctype}", "--set", memory]
        program = [home.binaries.initdb, "-D", unfinished, *options]
        try:
            code, said = _run_initdb(list(map(str, program)), home, spawner, lock, deadline)
            if code == 0:
                # initdb has synced the files; a half-made directory never bears the real name.
                unfinished.rename(data)
                sync_folder(data.parent)
                return
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        if "invalid locale" not in said:
            break
    raise EmbeddedPostgresError(f"cannot create a database in {data}: {said[-2_000:]}")


def _run_initdb(
    program: list[str], home: Residence, spawner: Spawner, lock: int, deadline: float
) -> tuple[int, str]:
    process = spawner.spawn(
        program,
        identity=home.identity,
        folder=home.state,
        death_signal=signal.SIGKILL,
        output=subprocess.PIPE,
        keep_open=[lock],
    )
    try:
        said, _ = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise EmbeddedPostgresError(
            f"creating the database in {home.state} took too long; give start() a longer timeout"
        ) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, said.decode(errors="replace").strip()
