"""A secret in a file."""

import threading
from pathlib import Path

import pytest

from adapters.local.secret_file import SecretFileUnusable, load_or_create_secret, read_secret

_ONE, _OTHER = "a" * 43, "b" * 43


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "local.secret"
    assert load_or_create_secret(path, _ONE) == _ONE
    assert load_or_create_secret(path, _OTHER) == _ONE
    assert read_secret(path) == _ONE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    path = tmp_path / "local.secret"
    found: list[str] = []
    starting = [
        threading.Thread(target=lambda n=n: found.append(load_or_create_secret(path, str(n) * 43)))
        for n in range(8)
    ]
    for one in starting:
        one.start()
    for one in starting:
        one.join()
    assert len(found) == 8
    assert set(found) == {read_secret(path)}


def test_without_one_reading_says_so(tmp_path: Path) -> None:
    with pytest.raises(SecretFileUnusable, match="No such file"):
        read_secret(tmp_path / "local.secret")


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"a" * 20 + b"\x00" * 30])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "local.secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretFileUnusable, match="holds no secret"):
        load_or_create_secret(path, _ONE)


def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "local.secret"
    path.write_text(_ONE)
    path.chmod(0o640)
    with pytest.raises(SecretFileUnusable, match="chmod 600"):
        read_secret(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(SecretFileUnusable, match="cannot be used"):
        load_or_create_secret(tmp_path / "keys" / "local.secret", _ONE)
