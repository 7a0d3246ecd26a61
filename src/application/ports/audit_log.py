from typing import Protocol

from domain.auth.audit import AuditEvent, Ending
from domain.identifiers import AuditId, OrganizationId
from domain.paging import Page, PageRequest


class AuditLog(Protocol):
    """Acts in the order in which they were asked for. Nothing in it is changed or deleted."""

    async def begin(self, event: AuditEvent) -> None:
        """Keep an act that is about to be done, durably."""
        ...

    async def end(self, audit_id: AuditId, ending: Ending) -> None:
        """Say how it ended; only the first ending of an act is kept."""
        ...

    async def list(self, organization: OrganizationId, page: PageRequest) -> Page[AuditEvent]:
        """The acts in one organization, newest first."""
        ...
