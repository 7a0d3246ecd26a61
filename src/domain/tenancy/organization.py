"""A company that uses Obelisk."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import InvalidInput, NotFound
from domain.identifiers import OrganizationId
from domain.plain_text import plain_text

MAX_DISPLAY_NAME_CHARACTERS = 200


class OrganizationNotFound(NotFound):
    reason = "ORGANIZATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such organization", field="organization_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    organization_id: OrganizationId
    display_name: str
    create_time: datetime


def checked_display_name(display_name: str) -> str:
    """Return the name without outer white space; raise InvalidInput when empty or too long."""
    name = plain_text(display_name, "display_name").strip()
    if not 1 <= len(name) <= MAX_DISPLAY_NAME_CHARACTERS:
        raise InvalidInput(
            f"a display name has 1 to {MAX_DISPLAY_NAME_CHARACTERS} characters, not {len(name)}",
            field="display_name",
        )
    return name
