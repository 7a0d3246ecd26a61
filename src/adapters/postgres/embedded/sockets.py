"""A folder for the unix socket, whose path the kernel limits to about a hundred bytes."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.files import private_folder
from adapters.postgres.embedded.identity import Identity

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
_PATH_LIMIT = 107 if sys.platform == "linux" else 103
# Drivers split a host at commas; the server splits its folder list at commas and quotes.
_AMBIGUOUS = frozenset(",\"'\\")


def socket_folder(state: Path, key: str, identity: Identity) -> Path:
    """A 0700 folder of the server's own: in `state`, else a short one named after `key`."""
    inside = state / "run"
    if _usable(inside):
        return private_folder(inside, identity.file_owner)
    for base in _short_bases(identity):
        short = base / f"obelisk-postgres-{key}"
        if _usable(short):
            return private_folder(short, identity.file_owner)
    raise EmbeddedPostgresError(
        f"no folder is short enough for a unix socket of {state}; set TMPDIR to a short path"
    )


def leave(sockets: Path, state: Path) -> None:
    """Remove a short folder that is empty; one inside `state` stays."""
    if sockets.parent != state:
        with contextlib.suppress(OSError):
            sockets.rmdir()


def dsn(folder: Path, user: str, database: str) -> str:
    """A libpq URI over the socket. The port is explicit, or PGPORT would change it."""
    name, base, host = (quote(part, safe="") for part in (user, database, str(folder)))
    return f"postgresql://{name}@/{base}?host={host}&port={PORT}"


def _usable(folder: Path) -> bool:
    text = str(folder)
    try:
        size = len(f"{text}/{SOCKET_NAME}".encode())
    except UnicodeEncodeError:
        return False
    return size <= _PATH_LIMIT and text.isprintable() and _AMBIGUOUS.isdisjoint(text)


def _short_bases(identity: Identity) -> list[Path]:
    bases = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - the folder is verified
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    # Another account could not enter the caller's runtime folder.
    if identity.kind == "account":
        return bases[1:]
    if runtime.is_dir() and runtime.stat().st_uid == os.geteuid():
        bases.insert(0, runtime)
    return bases
