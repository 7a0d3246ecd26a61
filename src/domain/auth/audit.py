"""What the log keeps of an act: who did what to which object, from where, and how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.identifiers import AuditId, OrganizationId, SpaceId, UserId

OK = "OK"
CANCELLED = "CANCELLED"
UNFORESEEN = "INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """`action` is the full name of a call; `objects` are ids by the name of their field.

    `outcome` is OK, the reason of a refusal, or None for an act that is under way or was cut off.
    The log holds ids, times and addresses: never a name, an email, content or a secret.
    """

    audit_id: AuditId
    action: str
    actor: UserId | None
    organization_id: OrganizationId | None
    space_id: SpaceId | None
    objects: Mapping[str, str]
    address: str
    correlation_id: str
    outcome: str | None
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known of an act once it is over, and set once.

    An `actor` and an `organization_id` fill what was unknown before; they change nothing known.
    """

    outcome: str
    objects: Mapping[str, str]
    actor: UserId | None = None
    organization_id: OrganizationId | None = None


def merged(objects: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Both, with the ids of a name that is in both side by side, each once."""
    return {
        name: joined([*_ids(objects, name), *_ids(more, name)])
        for name in dict.fromkeys((*objects, *more))
    }


def joined(ids: Iterable[str]) -> str:
    """Several ids under one name: each once, separated by spaces."""
    return " ".join(dict.fromkeys(ids))


def _ids(objects: Mapping[str, str], name: str) -> list[str]:
    return objects.get(name, "").split()
