"""RSA keys: made, named by their thumbprint, written down and read again."""

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.auth.signing_key import KeyPair, PublicKey, SigningKeyUnusable

BITS = 2048
_EXPONENT = 65537


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaKey:
    """A key pair in the form that computes."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)
    public: rsa.RSAPublicKey = field(repr=False)


def new_pair() -> KeyPair:
    """A new RSA key of 2,048 bits; takes a tenth of a second, so not on an event loop."""
    private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=BITS)
    der = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyPair(public=public_key(private.public_key()), private=der)


def read_pair(pair: KeyPair) -> RsaKey:
    """The pair, checked; not on an event loop either.

    Raises:
        SigningKeyUnusable: the private half is no RSA key, or not the public half's.
    """
    kid = pair.public.kid
    try:
        private = serialization.load_der_private_key(pair.private, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyUnusable(f"the private half of the signing key {kid} is no key") from None
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < BITS:
        raise SigningKeyUnusable(f"the signing key {kid} is no RSA key of {BITS} bits or more")
    if public_key(private.public_key()) != pair.public:
        raise SigningKeyUnusable(f"the halves of the signing key {kid} do not belong together")
    return RsaKey(kid=kid, private=private, public=private.public_key())


def public_key(key: rsa.RSAPublicKey) -> PublicKey:
    """The key as it is published, under its thumbprint (RFC 7638)."""
    numbers = key.public_numbers()
    e, n = _base64url(numbers.e), _base64url(numbers.n)
    canonical = json.dumps({"e": e, "kty": "RSA", "n": n}, separators=(",", ":"))
    return PublicKey(kid=_encoded(sha256(canonical.encode()).digest()), n=n, e=e)


def _base64url(number: int) -> str:
    return _encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
