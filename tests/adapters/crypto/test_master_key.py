"""The key that seals all others."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.crypto.master_key import MasterKey, parse, read_or_create
from adapters.crypto.sealer import AesGcmSealer
from domain.auth.sealing import (
    MasterKeyExposed,
    MasterKeyMalformed,
    MasterKeyMissing,
    SealBroken,
)
from domain.errors import FailedPrecondition

SRC = Path(__file__).parents[3] / "src"
SECRET = bytes(range(224, 256))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode(),
        base64.b64encode(SECRET).decode().rstrip("="),
        f"  {base64.b64encode(SECRET).decode()}\n",
    ],
)
def test_a_master_key_is_32_bytes_in_either_base64(text: str) -> None:
    assert parse(text, "OBELISK_MASTER_KEY").secret == SECRET


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds 0 bytes"),
        ("AAAA", "holds 3 bytes"),
        (base64.b64encode(SECRET + b"x").decode(), "holds 33 bytes"),
        ("correct horse battery staple!", "is not base64"),
        ("ü" * 43, "is not base64"),
        ("xyz12", "is not base64"),
    ],
)
def test_anything_else_is_refused_and_never_repeated(text: str, problem: str) -> None:
    with pytest.raises(MasterKeyMalformed, match=f"OBELISK_MASTER_KEY {problem}") as refusal:
        parse(text, "OBELISK_MASTER_KEY")
    assert refusal.value.reason == "MASTER_KEY_MALFORMED"
    assert "openssl rand -base64 32" in refusal.value.message
    assert not text or text not in refusal.value.message


def test_a_file_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    made = read_or_create(path, anything_sealed=False)
    assert read_or_create(path, anything_sealed=True) == made
    assert read_or_create(path, anything_sealed=False) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_no_new_key_is_made_when_something_is_sealed_by_the_one_that_is_missing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys" / "master.key"
    with pytest.raises(MasterKeyMissing, match="put it back as") as refusal:
        read_or_create(path, anything_sealed=True)
    assert str(path) in refusal.value.message
    assert "OBELISK_MASTER_KEY" in refusal.value.message
    assert not path.parent.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    read_or_create(path, anything_sealed=False)
    path.chmod(mode)
    with pytest.raises(MasterKeyExposed, match="chmod 600"):
        read_or_create(path, anything_sealed=False)


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\xfe\x00", b"QUJD"])
def test_a_file_that_holds_something_else_is_refused_and_kept(
    tmp_path: Path, content: bytes
) -> None:
    path = _written(tmp_path / "master.key", content)
    with pytest.raises(MasterKeyMalformed, match=r"master\.key"):
        read_or_create(path, anything_sealed=False)
    assert path.read_bytes() == content


def test_a_path_that_cannot_hold_a_key_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    below_a_file = _written(tmp_path / "file", b"") / "master.key"
    for path in (folder, below_a_file):
        with pytest.raises(FailedPrecondition, match=str(path)):
            read_or_create(path, anything_sealed=False)


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    program = (
        "import sys; from pathlib import Path; "
        "from adapters.crypto.master_key import read_or_create; "
        "sys.stdin.read(); "
        "print(read_or_create(Path(sys.argv[1]), anything_sealed=False).key_id.hex())"
    )
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SRC)},
            text=True,
        )
        for _ in range(3)
    ]
    for process in starting:
        assert process.stdin is not None
        process.stdin.close()  # all wait for this, so that they begin together
    ids = set()
    for process in starting:
        assert process.stdout is not None
        ids.add(process.stdout.read().strip())
        process.stdout.close()
        assert process.wait(30) == 0
    assert ids == {read_or_create(path, anything_sealed=True).key_id.hex()}
    assert list(path.parent.iterdir()) == [path]


def test_the_key_shows_in_no_repr_and_its_id_says_nothing_of_it() -> None:
    key, other = MasterKey(SECRET), MasterKey(SECRET[::-1])
    assert repr(key) == "MasterKey()"
    assert key.key_id != other.key_id
    assert len(key.key_id) == 8
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(SECRET[:16])


async def test_a_seal_names_its_version_and_its_master_key() -> None:
    key = MasterKey(SECRET)
    sealer = AesGcmSealer(key)
    sealed = await sealer.seal(b"secret", purpose="one")
    assert sealed[0] == 1
    assert sealed[1:9] == key.key_id
    assert len(sealed) == 1 + 8 + 12 + len(b"secret") + 16
    with pytest.raises(SealBroken):
        await sealer.open(b"\x02" + sealed[1:], purpose="one")
