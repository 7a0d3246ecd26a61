"""No call gets past here without an identity, and no space-scoped one without its space."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext

from application.auth.authenticate import Authenticate
from domain.errors import InvalidInput
from entrypoints.grpc.call import caller, set_request_context
from entrypoints.grpc.interceptors.chain import Around, Call
from entrypoints.grpc.interceptors.open_streams import OpenStreams

# How somebody gets a token, and what anybody may know. A token that is sent all the same is not
# looked at.
WITHOUT_TOKEN = frozenset(
    {
        "/obelisk.v1.AuthService/SignIn",
        "/obelisk.v1.AuthService/ExchangeClientCredentials",
        "/obelisk.v1.AuthService/RefreshTokens",
        "/obelisk.v1.AuthService/AcceptInvitation",
        "/obelisk.v1.AuthService/GetJwks",
        "/obelisk.v1.AuthService/ListOidcProviders",
        "/obelisk.v1.AuthService/StartOidcSignIn",
        "/obelisk.v1.AuthService/FinishOidcSignIn",
    }
)
# About the caller, or an organization that the request names: these need a token and no space.
WITHOUT_SPACE = frozenset(
    {
        "/obelisk.v1.AgentService/ListAgents",
        "/obelisk.v1.AuditService/ListAuditEvents",
        "/obelisk.v1.AuthService/ChangePassword",
        "/obelisk.v1.AuthService/GetCurrentUser",
        "/obelisk.v1.AuthService/ListSessions",
        "/obelisk.v1.AuthService/ListSigningKeys",
        "/obelisk.v1.AuthService/RevokeSession",
        "/obelisk.v1.AuthService/RevokeToken",
        "/obelisk.v1.AuthService/RevokeUser",
        "/obelisk.v1.AuthService/RotateSigningKey",
        "/obelisk.v1.AuthService/SignOut",
        "/obelisk.v1.AuthService/SignOutEverywhere",
        "/obelisk.v1.MemberService/CreateInvitation",
        "/obelisk.v1.MemberService/CreateServiceClient",
        "/obelisk.v1.MemberService/ListInvitations",
        "/obelisk.v1.MemberService/ListMembers",
        "/obelisk.v1.MemberService/ListServiceClients",
        "/obelisk.v1.MemberService/RemoveMember",
        "/obelisk.v1.MemberService/RevokeInvitation",
        "/obelisk.v1.MemberService/RevokeServiceClient",
        "/obelisk.v1.MemberService/SetMember",
        "/obelisk.v1.TenancyService/CreateOrganization",
        "/obelisk.v1.TenancyService/CreateSpace",
        "/obelisk.v1.TenancyService/DeleteOrganization",
        "/obelisk.v1.TenancyService/GetErasureReceipt",
        "/obelisk.v1.TenancyService/ListOrganizations",
        "/obelisk.v1.TenancyService/ListSpaces",
        "/obelisk.v1.TenancyService/UpdateOrganization",
    }
)
# Every other RPC is space-scoped: one that is forgotten here asks for a space, never for less.

_ONCE = frozenset({"authorization", "x-space-id"})


def authenticated(authenticate: Authenticate, streams: OpenStreams) -> Around:
    """Verify the token and resolve the space before the handler sees the call.

    A stream, in either direction, ends as soon as what let it in counts no more.
    """

    @asynccontextmanager
    async def around(call: Call) -> AsyncGenerator[None]:
        for header in _ONCE & call.repeated:
            raise InvalidInput(f"send the header {header!r} once", field=header)
        if call.method in WITHOUT_TOKEN:
            yield
            return
        async with streams.arriving(call) if call.streams else nullcontext():
            context = await authenticate(
                authorization=call.headers.get("authorization"),
                space_header=call.headers.get("x-space-id"),
                caller=caller(),
                needs_space=call.method not in WITHOUT_SPACE,
            )
        set_request_context(context)
        if not call.lasts:
            yield
            return
        async with streams.held(call, context):
            yield

    return around
