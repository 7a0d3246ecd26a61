"""RS256 access tokens, signed and verified in this process."""

import json
from datetime import UTC, datetime
from uuid import UUID

import jwt

from adapters.crypto.signing_key import SigningKey
from application.ports.clock import Clock
from domain.auth.claims import Claims, TokenRejected
from domain.identifiers import SessionId, UserId

_ALGORITHM = "RS256"
_MAX_TOKEN_CHARACTERS = 4096
_LEEWAY_SECONDS = 30
_REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"]
_KNOWN_HEADERS = {"alg", "kid", "typ"}


class Rs256TokenSigner:
    def __init__(self, *, key: SigningKey, issuer: str, audience: str, clock: Clock) -> None:
        self._key = key
        self._public = key.private.public_key()
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def sign(self, claims: Claims) -> str:
        issued = int(claims.issue_time.timestamp())
        payload: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(claims.subject),
            "sid": str(claims.session_id),
            "jti": claims.token_id,
            "iat": issued,
            "nbf": issued,
            "exp": int(claims.expire_time.timestamp()),
        }
        headers = {"kid": self._key.kid}
        return jwt.encode(payload, self._key.private, algorithm=_ALGORITHM, headers=headers)

    def verify(self, token: str) -> Claims:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise TokenRejected
        try:
            self._check_header(token)
            payload = jwt.decode(
                token,
                self._public,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                # Times are held against the injected clock below, not the library's own.
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
            return self._claims(payload)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise TokenRejected from None

    def public_keys_json(self) -> str:
        return json.dumps({"keys": [self._key.public_jwk()]})

    def _check_header(self, token: str) -> None:
        """Only our own header is read: no key, address or extension that the token brings."""
        header = jwt.get_unverified_header(token)
        if set(header) - _KNOWN_HEADERS or header.get("kid") != self._key.kid:
            raise TokenRejected

    def _claims(self, payload: dict[str, object]) -> Claims:
        now = self._clock.now().timestamp()
        issued, begins, expires = (_seconds(payload[name]) for name in ("iat", "nbf", "exp"))
        if max(issued, begins) > now + _LEEWAY_SECONDS or expires <= now - _LEEWAY_SECONDS:
            raise TokenRejected
        return Claims(
            subject=UserId(UUID(str(payload["sub"]))),
            session_id=SessionId(UUID(str(payload["sid"]))),
            token_id=str(payload["jti"]),
            issue_time=datetime.fromtimestamp(issued, UTC),
            expire_time=datetime.fromtimestamp(expires, UTC),
        )


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TokenRejected
    return value
