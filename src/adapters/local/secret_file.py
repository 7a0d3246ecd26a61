"""A secret that whoever may read a folder shares with the server: made once, mode 0600."""

import os
import tempfile
from pathlib import Path

from domain.errors import FailedPrecondition

_FEWEST_CHARACTERS = 32
_MOST_BYTES = 1024


class SecretFileUnusable(FailedPrecondition):
    reason = "SECRET_FILE_UNUSABLE"


def load_or_create_secret(path: Path, fresh: str) -> str:
    """The secret at `path`; `fresh` becomes it when there is none.

    Raises:
        SecretFileUnusable: others may read the file, or we may not, or it holds no secret.
    """
    try:
        if not path.exists():
            _create(path, fresh)
    except OSError as error:
        raise _unusable(path, error) from error
    return read_secret(path)


def read_secret(path: Path) -> str:
    """The secret at `path`. Raises SecretFileUnusable, also when there is none."""
    try:
        if path.stat().st_mode & 0o077:
            raise SecretFileUnusable(f"others may read {path}; run: chmod 600 '{path}'")
        with path.open("rb") as file:
            secret = file.read(_MOST_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise _unusable(path, error) from error
    if len(secret) < _FEWEST_CHARACTERS or not secret.isprintable() or not secret.isascii():
        raise SecretFileUnusable(
            f"{path} holds no secret; move it away, and start the server again"
        )
    return secret


def _create(path: Path, secret: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Mode 0600, under a name that no crashed process can have left behind.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # fails when another process was first: its secret is the one
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _unusable(path: Path, error: OSError) -> SecretFileUnusable:
    return SecretFileUnusable(f"the secret {path} cannot be used: {error.strerror or error}")
