"""Every call has a correlation id: the caller's own, or a new one; it goes back either way."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from application.ports.entropy import Entropy
from entrypoints.grpc.call import set_correlation_id
from entrypoints.grpc.interceptors.chain import Around, Call

HEADER = "x-correlation-id"
_ACCEPTED = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")


def correlated(entropy: Entropy) -> Around:
    """An id that is no plain token is replaced, so that it cannot forge a log line."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncGenerator[None]:
        given = call.headers.get(HEADER, "")
        value = given if _ACCEPTED.match(given) else entropy.nonce()
        set_correlation_id(value)
        await call.context.send_initial_metadata(((HEADER, value),))
        yield

    return around
