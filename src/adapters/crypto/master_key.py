"""The key that seals all others: from a setting, or from a file of mode 0600."""

import base64
import binascii
import os
import tempfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from domain.auth.sealing import MasterKeyExposed, MasterKeyMalformed, MasterKeyMissing

ID_BYTES = 8
SETTING = "OBELISK_MASTER_KEY"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class MasterKey:
    """`key_id` tells one master key from another, and says nothing about it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SECRET_BYTES:
            raise ValueError(f"a master key has {_SECRET_BYTES} bytes, not {len(self.secret)}")

    @property
    def key_id(self) -> bytes:
        return sha256(b"obelisk master key id:" + self.secret).digest()[:ID_BYTES]


def parse(text: str, where: str) -> MasterKey:
    """A master key written in base64, in either alphabet.

    Raises:
        MasterKeyMalformed: it is not; `where` says whose mistake it is.
    """
    try:
        stripped = text.strip().translate(str.maketrans("-_", "+/")).rstrip("=")
        secret = base64.b64decode(stripped + "=" * (-len(stripped) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyMalformed(where, "is not base64") from None
    if len(secret) != _SECRET_BYTES:
        raise MasterKeyMalformed(where, f"holds {len(secret)} bytes")
    return MasterKey(secret)


def read_or_create(file: Path, *, anything_sealed: bool) -> MasterKey:
    """The master key in `file`; made there when nothing has been sealed yet.

    Raises:
        MasterKeyMissing: there is no file, and what is sealed would stay so for ever.
        MasterKeyMalformed: the file holds something else, or cannot be read or made.
        MasterKeyExposed: others may read it.
    """
    try:
        if not file.exists():
            if anything_sealed:
                raise MasterKeyMissing(str(file))
            _create(file)
        if file.stat().st_mode & 0o077:
            raise MasterKeyExposed(str(file))
        text = file.read_bytes().decode("ascii", errors="replace")
    except OSError as error:
        problem = f"cannot be used ({error.strerror or error})"
        raise MasterKeyMalformed(f"the master key file {file}", problem) from error
    return parse(text, f"the master key file {file}")


def _create(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Mode 0600, under a name that no crashed process can have left behind.
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    aside = Path(name)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(base64.b64encode(os.urandom(_SECRET_BYTES)) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(aside, file)  # fails when another process was first: its key is the one
    except FileExistsError:
        pass
    finally:
        aside.unlink()
