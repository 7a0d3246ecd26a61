"""A brand, a market or a team: the border that content never crosses."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import NotFound
from domain.identifiers import OrganizationId, SpaceId


class SpaceNotFound(NotFound):
    """Also what a caller gets who may not enter: a foreign space answers like a missing one."""

    reason = "SPACE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such space", field="x-space-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    space_id: SpaceId
    organization_id: OrganizationId
    display_name: str
    create_time: datetime
