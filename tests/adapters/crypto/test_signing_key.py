"""The key that signs access tokens."""

import base64
import json
import os
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from adapters.crypto.signing_key import SigningKeyUnusable, load_or_create

SRC = Path(__file__).parents[3] / "src"
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
# The key and the thumbprint of RFC 7638, section 3.1.
RFC_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
    "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"
    "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-"
    "G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
RFC_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def _thumbprint(n: str, e: str) -> str:
    """RFC 7638, computed by its words: the required members, in order, without white space."""
    text = f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(PEM, PKCS8, encryption)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_the_kid_is_the_thumbprint(tmp_path: Path) -> None:
    assert _thumbprint(RFC_N, "AQAB") == RFC_THUMBPRINT
    key = load_or_create(tmp_path / "key.pem")
    jwk = key.public_jwk()
    assert key.kid == _thumbprint(jwk["n"], jwk["e"]) == jwk["kid"]


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key.pem"
    made = load_or_create(path)
    assert load_or_create(path).kid == made.kid
    assert made.private.key_size == 2048
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_the_public_half_holds_no_secret(tmp_path: Path) -> None:
    key = load_or_create(tmp_path / "key.pem")
    assert set(key.public_jwk()) == {"e", "kty", "n", "kid", "use", "alg"}
    assert str(key.private.private_numbers().d) not in json.dumps(key.public_jwk())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    load_or_create(path)
    path.chmod(mode)
    with pytest.raises(SigningKeyUnusable, match="chmod 600"):
        load_or_create(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"\xff\xfe\x00",
        _pem(ec.generate_private_key(ec.SECP256R1())),
        _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), b"secret"),
    ],
    ids=["empty", "text", "binary", "elliptic", "with a password"],
)
def test_a_file_that_is_no_usable_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = _written(tmp_path / "key.pem", content)
    with pytest.raises(SigningKeyUnusable, match="no RSA private key"):
        load_or_create(path)
    assert path.read_bytes() == content


def test_a_path_that_cannot_hold_a_key_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    below_a_file = _written(tmp_path / "file", b"") / "key.pem"
    for path in (folder, below_a_file):
        with pytest.raises(SigningKeyUnusable, match=str(path)):
            load_or_create(path)


def test_what_a_crashed_start_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    _written(path.with_name(f".{path.name}.{os.getpid()}"), b"half a key")
    assert load_or_create(path).kid == load_or_create(path).kid


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key.pem"
    program = (
        "import sys; from pathlib import Path; "
        "from adapters.crypto.signing_key import load_or_create; "
        "sys.stdin.read(); print(load_or_create(Path(sys.argv[1])).kid)"
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
    kids = set()
    for process in starting:
        assert process.stdout is not None
        kids.add(process.stdout.read().strip())
        process.stdout.close()
        assert process.wait(30) == 0
    assert kids == {load_or_create(path).kid}
    assert list(path.parent.iterdir()) == [path]
