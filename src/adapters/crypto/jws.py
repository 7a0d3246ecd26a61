"""The compact form of a signed token (RFC 7515), read without leniency.

The library checks the signature; here is refused what it would take: characters that mean nothing,
a second spelling of the same bytes, a name that stands twice, and headers that are not ours.
"""

import base64
import binascii
import json
import re

import jwt

from adapters.crypto.signing_key import RsaKey

ALGORITHM = "RS256"
MOST_CHARACTERS = 4096
_KNOWN_HEADERS = {"alg", "kid", "typ"}
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_JWS = jwt.PyJWS(algorithms=[ALGORITHM])


class Malformed(ValueError):
    """No token of ours looks like this."""


def encode(payload: dict[str, object], key: RsaKey) -> str:
    """`payload` signed by `key`."""
    text = json.dumps(payload, separators=(",", ":")).encode()
    return _JWS.encode(text, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def kid_of(token: str) -> str:
    """The `kid` that the token names, which is not yet believed.

    Raises:
        Malformed: it is too long, not in its one compact form, or has a header that is not ours.
    """
    if len(token) > MOST_CHARACTERS:
        raise Malformed
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise Malformed
    header, _, _ = (_decoded(part) for part in parts.groups())
    named = _strict_object(header)
    kid = named.get("kid")
    if named.keys() - _KNOWN_HEADERS or named.get("alg") != ALGORITHM or not isinstance(kid, str):
        raise Malformed
    return kid


def verified_payload(token: str, key: RsaKey) -> dict[str, object]:
    """What the token says, once its signature by `key` holds; after `kid_of` has passed it.

    Raises:
        jwt.PyJWTError: the signature does not hold.
        Malformed: it signs something that is no object with each name once.
    """
    content = _JWS.decode_complete(token, key.public, algorithms=[ALGORITHM])
    return _strict_object(content["payload"])


def _decoded(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise Malformed from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise Malformed
    return raw


def _strict_object(raw: bytes) -> dict[str, object]:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_each_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(value, dict):
        raise Malformed
    return value


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise Malformed
    return named


def _refused(_: str) -> object:
    raise Malformed
