"""Every call has a correlation id, the caller's own or a new one, and comes from somewhere."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from application.context import Caller
from application.ports.entropy import Entropy
from entrypoints.grpc.call import set_caller
from entrypoints.grpc.interceptors.chain import Around, Call
from entrypoints.grpc.origin import origin_of
from entrypoints.relay import Relay

HEADER = "x-correlation-id"
_ACCEPTED = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")


def correlated(entropy: Entropy, relay: Relay) -> Around:
    """An id that is no plain token is replaced, so that it cannot forge a log line."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncGenerator[None]:
        given = call.headers.get(HEADER, "")
        value = given if _ACCEPTED.match(given) else entropy.nonce()
        origin = origin_of(call.context.peer(), call.headers, call.repeated, relay)
        set_caller(
            Caller(correlation_id=value, address=origin.address, user_agent=origin.user_agent)
        )
        await call.context.send_initial_metadata(((HEADER, value),))
        yield

    return around
