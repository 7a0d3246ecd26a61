"""RSA keys and the name that each has."""

import base64
import json
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.crypto.signing_key import public_key, read_pair
from domain.auth.signing_key import KeyPair, SigningKeyUnusable
from fixtures.keys import pair

# The key and the thumbprint of RFC 7638, section 3.1.
RFC_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
    "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"
    "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-"
    "G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
RFC_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "==="), "big")


def test_the_kid_is_the_thumbprint() -> None:
    known = public_key(rsa.RSAPublicNumbers(65537, _number(RFC_N)).public_key())
    assert (known.kid, known.n, known.e) == (RFC_THUMBPRINT, RFC_N, "AQAB")
    made = pair().public
    text = f'{{"e":"{made.e}","kty":"RSA","n":"{made.n}"}}'
    digest = base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
    assert made.kid == digest


def test_a_pair_is_read_as_it_was_made() -> None:
    key = read_pair(pair())
    assert key.kid == pair().public.kid
    assert key.private.key_size == 2048
    assert public_key(key.public) == pair().public


def test_a_key_that_is_too_short_is_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    der = short.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(SigningKeyUnusable, match="2048 bits"):
        read_pair(KeyPair(public=public_key(short.public_key()), private=der))


def test_the_public_half_holds_no_secret_and_a_repr_holds_none_either() -> None:
    key = read_pair(pair())
    jwk = pair().public.jwk()
    assert set(jwk) == {"e", "kty", "n", "kid", "use", "alg"}
    assert (jwk["kty"], jwk["use"], jwk["alg"]) == ("RSA", "sig", "RS256")
    assert str(key.private.private_numbers().d) not in json.dumps(jwk)
    assert repr(key) == f"RsaKey(kid={key.kid!r})"
    assert "private" not in repr(pair())
