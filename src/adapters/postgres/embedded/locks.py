"""Two locks: who owns the folder, and whether a server is still alive in it."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.files import open_private

_GRACE_SECONDS = 0.5
_POLL_SECONDS = 0.02
_held: set[int] = set()


def _let_go_in_fork() -> None:
    # A forked child that outlives its parent would otherwise keep the folder locked.
    for file in _held:
        with contextlib.suppress(OSError):
            os.close(file)
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_fork)


class OwnerLock:
    """Held by one process for as long as it may use the folder; gone with that process."""

    def __init__(self, path: Path) -> None:
        """Raises EmbeddedPostgresError when another process, or this one, holds it."""
        self._file = open_private(path, os.O_RDWR)
        # A process killed a moment ago holds its lock until the kernel has buried it.
        if not _locked_before(self._file, time.monotonic() + _GRACE_SECONDS):
            holder = os.read(self._file, 32).decode().strip()
            os.close(self._file)
            raise EmbeddedPostgresError(_owned(path.parent, holder))
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        _held.add(self._file)

    def release(self) -> None:
        if self._file in _held:
            _held.discard(self._file)
            os.ftruncate(self._file, 0)
            os.close(self._file)


def server_lock(path: Path, pid_file: Path, deadline: float) -> int:
    """The descriptor of a lock that all processes of the server inherit; it falls with the last.

    Waits until `deadline` (monotonic seconds) for a dying server; raises EmbeddedPostgresError.
    """
    file = open_private(path, os.O_RDWR)
    if _locked_before(file, deadline):
        return file
    os.close(file)
    raise EmbeddedPostgresError(
        f"an earlier server on {path.parent} has not ended yet (process {_first_line(pid_file)}); "
        "wait for it, or end that process"
    )


def _locked_before(file: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def _owned(root: Path, holder: str) -> str:
    if holder == str(os.getpid()):
        return (
            f"the database in {root} is already in use by this process ({holder}); share that one"
        )
    return (
        f"the database in {root} is in use by process {holder or 'unknown'}; stop that process, "
        "connect to its server, or give this one a folder of its own"
    )


def _first_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").partition("\n")[0]
    except OSError:
        return "unknown"
