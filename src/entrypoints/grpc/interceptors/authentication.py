"""No call gets past here without an identity, and no space-scoped one without its space."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from application.auth.authenticate import Authenticate
from domain.errors import InvalidInput
from entrypoints.grpc.call import caller, set_request_context
from entrypoints.grpc.interceptors.chain import Around, Call

# Every other RPC is space-scoped: one that is forgotten here asks for a space, never for less.
WITHOUT_SPACE = frozenset(
    {
        "/obelisk.v1.TenancyService/CreateOrganization",
        "/obelisk.v1.TenancyService/ListOrganizations",
        "/obelisk.v1.TenancyService/CreateSpace",
        "/obelisk.v1.TenancyService/ListSpaces",
        "/obelisk.v1.AgentService/ListAgents",
    }
)

_ONCE = frozenset({"authorization", "x-space-id"})


def authenticated(authenticate: Authenticate) -> Around:
    """Verify the token and resolve the space before the handler sees the call."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncGenerator[None]:
        for header in _ONCE & call.repeated:
            raise InvalidInput(f"send the header {header!r} once", field=header)
        context = await authenticate(
            authorization=call.headers.get("authorization"),
            space_header=call.headers.get("x-space-id"),
            caller=caller(),
            needs_space=call.method not in WITHOUT_SPACE,
        )
        set_request_context(context)
        yield

    return around
