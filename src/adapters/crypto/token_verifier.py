"""Verification of access tokens: once by their signature, then by their digest."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from math import inf

import jwt

from adapters.crypto import jws, payload
from adapters.crypto.signing_key import RsaKey
from domain.auth.claims import Claims, TokenRejected
from domain.auth.key_rotation import KeyPolicy, KeyWindow

_DEFECTS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key with its window in seconds of the epoch: what is checked on every sight of a token."""

    key: RsaKey
    opens: float
    last_signature: float
    closes: float

    @classmethod
    def of(cls, key: RsaKey, window: KeyWindow, policy: KeyPolicy) -> "TrustedKey":
        last, closes = window.last_signature(policy), window.closes(policy)
        return cls(
            key=key,
            opens=window.opens(policy).timestamp(),
            last_signature=inf if last is None else last.timestamp(),
            closes=inf if closes is None else closes.timestamp(),
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    claims: Claims
    kid: str
    issued: float
    begins: float
    expires: float


class TokenVerifier:
    """Remembers `capacity` tokens, the latest used; whatever can change is checked each time."""

    def __init__(self, *, issuer: str, audience: str, leeway: float, capacity: int) -> None:
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._capacity = capacity
        self._keys: dict[str, TrustedKey] = {}
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def trust(self, keys: dict[str, TrustedKey]) -> None:
        """Believe these keys and no others."""
        self._keys = keys

    def verify(self, token: str, now: float) -> Claims:
        """The claims of `token` at `now`, in seconds of the epoch.

        Raises:
            TokenRejected: any defect; with `key_unknown` when its key is not among those trusted.
        """
        if len(token) > jws.MOST_CHARACTERS or not token.isascii():
            raise TokenRejected
        digest = sha256(token.encode()).digest()
        seen = self._seen.get(digest)
        if seen is None:
            seen = self._first_sight(token)
            self._check(seen, now)
            self._remember(digest, seen)
        else:
            self._seen.move_to_end(digest)
            self._check(seen, now)
        return seen.claims

    def _first_sight(self, token: str) -> _Seen:
        try:
            kid = jws.kid_of(token)
            trusted = self._keys.get(kid)
            if trusted is None:
                raise TokenRejected(key_unknown=True)
            said = jws.verified_payload(token, trusted.key)
            claims, begins = payload.read(said, issuer=self._issuer, audience=self._audience)
        except _DEFECTS:
            raise TokenRejected from None
        issued, expires = claims.issue_time.timestamp(), claims.expire_time.timestamp()
        return _Seen(claims, kid, issued, begins, expires)

    def _check(self, seen: _Seen, now: float) -> None:
        """Hold what was signed against the time, and its key against the key's window."""
        trusted = self._keys.get(seen.kid)
        if trusted is None:
            raise TokenRejected
        if seen.expires <= now - self._leeway or max(seen.issued, seen.begins) > now + self._leeway:
            raise TokenRejected
        if not trusted.opens <= min(seen.issued, now) or now >= trusted.closes:
            raise TokenRejected
        if seen.issued > trusted.last_signature:
            raise TokenRejected

    def _remember(self, digest: bytes, seen: _Seen) -> None:
        self._seen[digest] = seen
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
