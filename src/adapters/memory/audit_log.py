"""The audit log in memory."""

from dataclasses import replace

from adapters.memory.pages import newest_first
from domain.auth.audit import AuditEvent, Ending
from domain.identifiers import AuditId, OrganizationId
from domain.paging import Page, PageRequest


class MemoryAuditLog:
    def __init__(self) -> None:
        self._events: dict[AuditId, AuditEvent] = {}

    async def begin(self, event: AuditEvent) -> None:
        self._events[event.audit_id] = event

    async def end(self, audit_id: AuditId, ending: Ending) -> None:
        event = self._events.get(audit_id)
        if event is None or event.outcome is not None:
            return
        self._events[audit_id] = replace(
            event,
            outcome=ending.outcome,
            objects=dict(ending.objects),
            actor=event.actor or ending.actor,
            organization_id=event.organization_id or ending.organization_id,
        )

    async def list(self, organization: OrganizationId, page: PageRequest) -> Page[AuditEvent]:
        own = (e for e in self._events.values() if e.organization_id == organization)
        return newest_first(own, page, lambda e: e.audit_id)
