"""AuditService on the wire."""

from application.auth.audit import ReadAudit
from domain.auth.audit import AuditEvent
from domain.identifiers import OrganizationId
from domain.paging import page_request
from entrypoints.grpc.call import request_context
from entrypoints.grpc.convert import page_token, timestamp
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import uuid_of
from obelisk.v1 import audit_pb2 as pb
from obelisk.v1 import audit_pb2_grpc


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    def __init__(self, audit: ReadAudit) -> None:
        self._audit = audit

    async def ListAuditEvents(
        self, request: pb.ListAuditEventsRequest, context: Context
    ) -> pb.ListAuditEventsResponse:
        page = await self._audit.list(
            request_context(),
            organization_id=OrganizationId(uuid_of(request.organization_id, "organization_id")),
            page=page_request(request.page_size, request.page_token),
        )
        return pb.ListAuditEventsResponse(
            events=[_event(event) for event in page.items],
            next_page_token=page_token(page.next_after),
        )


def _event(event: AuditEvent) -> pb.AuditEvent:
    return pb.AuditEvent(
        audit_id=str(event.audit_id),
        actor=str(event.actor or ""),
        action=event.action,
        space_id=str(event.space_id or ""),
        objects=dict(event.objects),
        address=event.address,
        correlation_id=event.correlation_id,
        outcome=event.outcome or "",
        create_time=timestamp(event.create_time),
    )
