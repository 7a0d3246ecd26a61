"""Files and folders that nobody else may have planted."""

import os
import stat
from pathlib import Path

from adapters.postgres.embedded.errors import EmbeddedPostgresError


def open_private(path: Path, flags: int) -> int:
    """Open or create a 0600 file, never through a symbolic link, owned like its folder.

    Root must not leave files behind that the folder's owner could not open later.
    """
    file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(file)
        raise EmbeddedPostgresError(f"{path} is not a plain file of its own; remove it")
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(file, folder.st_uid, folder.st_gid)
    return file


def private_folder(path: Path, owner: tuple[int, int]) -> Path:
    """Create, or verify, a 0700 folder of `owner` (user, group).

    Raises EmbeddedPostgresError when what is there is a link, somebody else's or open to others.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    trusted = (owner[0], os.geteuid())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in trusted or found.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{path} must be a folder that only its owner (user id {owner[0]}) can enter, and it "
            "is not; remove it if you do not know it, or run chmod 700 on it if it is yours"
        )
    if found.st_uid != owner[0]:
        os.chown(path, *owner, follow_symlinks=False)
    return path


def sync_folder(path: Path) -> None:
    """Make renames and new names in the folder survive a power cut."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_durably(path: Path, text: str) -> None:
    """Replace the file whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    file = open_private(unfinished, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(file, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(path)
    sync_folder(path.parent)
