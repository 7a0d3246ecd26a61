"""Claims as the JSON of a token, and back.

`spaces` maps the first letter of a role to its spaces: their 16 bytes one after the other, in
base64url. That takes 22 characters a space, where names and hyphens would take 60.
"""

import base64
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from domain.auth.claims import Claims
from domain.auth.key_rotation import LONGEST_TOKEN_LIFE
from domain.identifiers import OrganizationId, SessionId, SpaceId, UserId
from domain.tenancy.access import Action, Role

_LETTERS = {role.value[0]: role for role in Role}
_ACTIONS = {action.value: action for action in Action}
_BYTES = 16


class PayloadUnreadable(ValueError):
    """It is not what `written` writes."""


def written(claims: Claims, *, issuer: str, audience: str) -> dict[str, object]:
    """The payload that says `claims`; times in whole seconds."""
    issued = int(claims.issue_time.timestamp())
    payload: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(claims.subject),
        "sid": str(claims.session_id),
        "jti": claims.token_id,
        "iat": issued,
        "nbf": issued,
        "exp": int(claims.expire_time.timestamp()),
        "epoch": claims.epoch,
        "permissions": sorted(action.value for action in claims.permissions),
    }
    if claims.organization_id is not None:
        payload["org"] = str(claims.organization_id)
    if claims.spaces is not None:
        payload["spaces"] = {
            letter: _packed([space for space, held in claims.spaces.items() if held is role])
            for letter, role in _LETTERS.items()
            if role in claims.spaces.values()
        }
    if claims.operator:
        payload["operator"] = True
    return payload


def read(payload: dict[str, object], *, issuer: str, audience: str) -> tuple[Claims, int]:
    """The claims, and `nbf` in seconds of the epoch.

    Raises:
        ValueError, OverflowError, OSError: it is not for us, or not what `written` writes.
    """
    if payload.get("iss") != issuer or payload.get("aud") != audience:
        raise PayloadUnreadable
    issued, begins, expires = (_number(payload.get(name)) for name in ("iat", "nbf", "exp"))
    if not 0 < expires - issued <= LONGEST_TOKEN_LIFE.total_seconds():
        raise PayloadUnreadable
    organization, operator = payload.get("org"), payload.get("operator", False)
    if not isinstance(operator, bool):
        raise PayloadUnreadable
    claims = Claims(
        subject=UserId(_uuid(payload.get("sub"))),
        session_id=SessionId(_uuid(payload.get("sid"))),
        token_id=_text(payload.get("jti")),
        issue_time=datetime.fromtimestamp(issued, UTC),
        expire_time=datetime.fromtimestamp(expires, UTC),
        epoch=_number(payload.get("epoch")),
        organization_id=OrganizationId(_uuid(organization)) if "org" in payload else None,
        permissions=_permissions(payload.get("permissions")),
        spaces=_spaces(payload["spaces"]) if "spaces" in payload else None,
        operator=operator,
    )
    return claims, begins


def _packed(spaces: list[SpaceId]) -> str:
    raw = b"".join(space.bytes for space in sorted(spaces))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _spaces(value: object) -> MappingProxyType[SpaceId, Role]:
    if not isinstance(value, dict):
        raise PayloadUnreadable
    found: dict[SpaceId, Role] = {}
    for letter, packed in value.items():
        if letter not in _LETTERS:
            raise PayloadUnreadable
        text = _text(packed)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if not raw or len(raw) % _BYTES:
            raise PayloadUnreadable
        for at in range(0, len(raw), _BYTES):
            found[SpaceId(UUID(bytes=raw[at : at + _BYTES]))] = _LETTERS[letter]
    return MappingProxyType(found)


def _permissions(value: object) -> frozenset[Action]:
    """Those that are known here: one of a newer release allows nothing in this one."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PayloadUnreadable
    return frozenset(_ACTIONS[name] for name in value if name in _ACTIONS)


def _uuid(value: object) -> UUID:
    return UUID(_text(value))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise PayloadUnreadable
    return value


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PayloadUnreadable
    return value
