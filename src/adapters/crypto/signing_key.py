"""The RSA key that signs access tokens: made on first start, kept in a file of mode 0600."""

import base64
import json
import os
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.errors import FailedPrecondition

_BITS = 2048
_EXPONENT = 65537


class SigningKeyUnusable(FailedPrecondition):
    reason = "SIGNING_KEY_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """`kid` is the RFC 7638 thumbprint, so that it names this key and no other."""

    private: rsa.RSAPrivateKey
    kid: str

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517)."""
        return {**_jwk_members(self.private), "kid": self.kid, "use": "sig", "alg": "RS256"}


def load_or_create(path: Path) -> SigningKey:
    """Read the key at `path`; make it when there is none.

    Raises:
        SigningKeyUnusable: the file is no RSA private key, or others may read it, or we may not.
    """
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise SigningKeyUnusable(f"others may read {path}; run: chmod 600 '{path}'")
        private = _read(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise SigningKeyUnusable(f"the signing key {path} cannot be used: {reason}") from error
    if private is None:
        raise SigningKeyUnusable(
            f"{path} holds no RSA private key in PEM form, without a password; move it away"
        )
    return SigningKey(private=private, kid=_thumbprint(private))


def _read(pem: bytes) -> rsa.RSAPrivateKey | None:
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
        return None
    return private if isinstance(private, rsa.RSAPrivateKey) else None


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Mode 0600, under a name that no crashed process can have left behind.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)  # fails when another process was first: its key is the one
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _jwk_members(private: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"e": _base64url(numbers.e), "kty": "RSA", "n": _base64url(numbers.n)}


def _thumbprint(private: rsa.RSAPrivateKey) -> str:
    canonical = json.dumps(_jwk_members(private), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
