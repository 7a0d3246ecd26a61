"""The gRPC server: services, health, reflection, and the one interceptor chain."""

from typing import TYPE_CHECKING, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from entrypoints.grpc.agent_service import AgentService
from entrypoints.grpc.audit_service import AuditService
from entrypoints.grpc.auth_service import AuthService
from entrypoints.grpc.conversation_service import ConversationService
from entrypoints.grpc.document_service import DocumentService
from entrypoints.grpc.interceptors.audit import audited
from entrypoints.grpc.interceptors.authentication import authenticated
from entrypoints.grpc.interceptors.chain import Chain
from entrypoints.grpc.interceptors.correlation import correlated
from entrypoints.grpc.interceptors.deadline import limited
from entrypoints.grpc.interceptors.errors import translated
from entrypoints.grpc.interceptors.open_streams import OpenStreams
from entrypoints.grpc.member_service import MemberService
from entrypoints.grpc.run_service import RunService
from entrypoints.grpc.search_service import SearchService
from entrypoints.grpc.tenancy_service import TenancyService
from obelisk.v1 import (
    agent_pb2,
    agent_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    document_pb2,
    document_pb2_grpc,
    member_pb2,
    member_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    tenancy_pb2,
    tenancy_pb2_grpc,
)

if TYPE_CHECKING:
    from entrypoints.container import Container

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
SERVICE_NAMES = tuple(
    service.full_name
    for file in (
        agent_pb2,
        audit_pb2,
        auth_pb2,
        conversation_pb2,
        document_pb2,
        member_pb2,
        run_pb2,
        search_pb2,
        tenancy_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)


class HealthChecks(Protocol):
    """The health service, as far as it is used here."""

    async def set(self, service: str, status: int) -> None:
        """Answer `status` for `service` from now on."""
        ...

    async def enter_graceful_shutdown(self) -> None:
        """Answer NOT_SERVING for everything from now on."""
        ...


def build_server(
    container: "Container", streams: OpenStreams
) -> tuple[grpc.aio.Server, HealthChecks]:
    """A server without a port yet, and its health service."""
    chain = Chain(
        [
            correlated(container.entropy(), container.relay()),
            translated,
            limited,
            authenticated(container.authenticate(), streams),
            audited(container.audit_acts()),
        ]
    )
    server = grpc.aio.server(interceptors=[chain], options=_OPTIONS)
    _add_services(server, container)
    checks = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs lack it
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    names = (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return server, checks


async def say_serving(checks: HealthChecks) -> None:
    """Answer SERVING for the whole server and for each service."""
    for name in ("", *SERVICE_NAMES):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)


def _add_services(server: grpc.aio.Server, container: "Container") -> None:
    agent_pb2_grpc.add_AgentServiceServicer_to_server(AgentService(container.agents()), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditService(container.read_audit()), server)
    auth_pb2_grpc.add_AuthServiceServicer_to_server(_auth_service(container), server)
    conversation_pb2_grpc.add_ConversationServiceServicer_to_server(
        ConversationService(container.talk().manage, container.talk().prepare), server
    )
    uses = container.document_service()
    document_pb2_grpc.add_DocumentServiceServicer_to_server(
        DocumentService(
            upload=uses.upload,
            uploads=uses.uploads,
            add_url=uses.add_url,
            documents=uses.manage,
            watch=uses.watch,
            findings=uses.findings,
        ),
        server,
    )
    run_pb2_grpc.add_RunServiceServicer_to_server(
        RunService(
            start=container.start_run(),
            watch=container.watch_run(),
            cancel=container.cancel_run(),
            resume=container.pausing().resume,
            read=container.read_runs(),
        ),
        server,
    )
    search_pb2_grpc.add_SearchServiceServicer_to_server(
        SearchService(container.retrieval().search), server
    )
    tenancy = container.tenancy()
    member_pb2_grpc.add_MemberServiceServicer_to_server(
        MemberService(
            members=tenancy.members, invitations=tenancy.invitations, clients=tenancy.clients
        ),
        server,
    )
    tenancy_pb2_grpc.add_TenancyServiceServicer_to_server(
        TenancyService(tenancy=tenancy.manage, settings=tenancy.settings, erase=tenancy.erase),
        server,
    )


def _auth_service(container: "Container") -> AuthService:
    accounts = container.accounts()
    return AuthService(
        sign_in=accounts.sign_in,
        exchange=accounts.exchange_client_credentials,
        accept=accounts.accept_invitation,
        sessions=container.sessions(),
        issue=container.issue_tokens(),
        current_user=accounts.current_user,
        change_password=accounts.change_password,
        oidc_providers=accounts.oidc_providers,
        start_oidc=accounts.start_oidc,
        finish_oidc=accounts.finish_oidc,
        keys=container.manage_keys(),
    )
