"""The domain's errors leave as gRPC statuses; anything unforeseen says nothing of itself."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import grpc

from domain.errors import ObeliskError
from entrypoints.grpc.call import correlation_id
from entrypoints.grpc.errors import internal_status, status_of
from entrypoints.grpc.interceptors.chain import Call

_log = logging.getLogger(__name__)


@asynccontextmanager
async def translated(call: Call) -> AsyncGenerator[None]:
    """Turn what a handler raises into the call's status. Cancellation passes: it is no error."""
    try:
        yield
    except ObeliskError as error:
        await call.hear_out()
        await call.abort(status_of(error, correlation_id()))
    except grpc.aio.AbortError:
        raise
    except Exception:  # noqa: BLE001 - its text must never reach a client
        _log.exception("%s failed (correlation id %s)", call.method, correlation_id())
        await call.abort(internal_status(correlation_id()))
