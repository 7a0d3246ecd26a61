"""Every call has an end: the caller's deadline, or ours for calls that answer once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from entrypoints.grpc.call import correlation_id
from entrypoints.grpc.errors import deadline_status
from entrypoints.grpc.interceptors.chain import Call

DEFAULT_SECONDS = 120.0


@asynccontextmanager
async def limited(call: Call) -> AsyncGenerator[None]:
    """Streams without a deadline may go on: a run's own limit ends them."""
    remaining = call.context.time_remaining()
    default = None if call.streams else DEFAULT_SECONDS
    try:
        async with asyncio.timeout(default if remaining is None else remaining) as scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
        await call.abort(deadline_status(correlation_id()))
