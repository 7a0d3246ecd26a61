"""ID tokens: the signature by PyJWT, the claims by Authlib, and what remains by hand.

Source: OpenID Connect Core 1.0, 3.1.3.7.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import jwt
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # no py.typed
from joserfc.errors import JoseError

from domain.auth.oidc import OidcPerson

_LEEWAY_SECONDS = 60
_MOST_CHARACTERS = 16 * 1024
_MOST_SUBJECT_CHARACTERS = 255
_KNOWN_HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
Jwk = dict[str, object]


class TokenInvalid(Exception):
    """Why, for the log. Never leaves this folder."""


def key_id(token: str, algorithms: Sequence[str]) -> tuple[str, str | None]:
    """The algorithm and the `kid` of a token whose header names nothing else that matters.

    Raises:
        TokenInvalid: too long, no token, an algorithm that was not agreed, a key or an address or
            an extension in the header.
    """
    if len(token) > _MOST_CHARACTERS:
        raise TokenInvalid("the ID token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise TokenInvalid("the ID token is none") from error
    strange = set(header) - _KNOWN_HEADERS
    if strange:
        raise TokenInvalid(f"the header holds {sorted(strange)}")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in algorithms:
        raise TokenInvalid(
            f"it is signed by {algorithm!r}, and the provider agreed on {algorithms}"
        )
    return str(algorithm), kid if isinstance(kid, str) else None


def signing_keys(keys: Iterable[Jwk], kid: str | None) -> list[Jwk]:
    """Those that may have signed: of this id when the token names one, and for signing."""
    fit = [key for key in keys if key.get("use", "sig") == "sig"]
    return [key for key in fit if kid is None or key.get("kid") == kid]


def read_id_token(
    token: str,
    *,
    algorithm: str,
    keys: Sequence[Jwk],
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
) -> OidcPerson:
    """Whom a token vouches for that holds in every way. Raises TokenInvalid."""
    header, payload = _verified(token, algorithm, keys)
    claims = CodeIDToken(
        payload,
        header,
        options={
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        },
        params={"nonce": nonce, "client_id": client_id},
    )
    try:
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenInvalid(f"the claims do not hold: {error}") from error
    return _person(payload)


def _verified(
    token: str, algorithm: str, keys: Sequence[Jwk]
) -> tuple[dict[str, object], dict[str, object]]:
    for key in keys:
        try:
            public = jwt.PyJWK(key, algorithm=algorithm)
            # The claims are Authlib's to judge, by our own clock.
            decoded = jwt.decode_complete(
                token,
                public,
                algorithms=[algorithm],
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        return dict(decoded["header"]), dict(decoded["payload"])
    raise TokenInvalid("no key of the provider has signed it")


def _person(payload: dict[str, object]) -> OidcPerson:
    subject, email, name = (payload.get(claim) for claim in ("sub", "email", "name"))
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MOST_SUBJECT_CHARACTERS:
        raise TokenInvalid("the subject is none")
    return OidcPerson(
        subject=subject,
        email=email if isinstance(email, str) else None,
        # Some providers send the word and not the value.
        email_verified=payload.get("email_verified") in (True, "true"),
        display_name=name if isinstance(name, str) else "",
    )
