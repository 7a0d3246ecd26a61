"""Every call that changes something is written down before it is done. None can be forgotten."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache

from google.api import annotations_pb2  # type: ignore[import-untyped]  # no py.typed
from google.protobuf import descriptor_pool

from application.auth.audit import AuditActs
from domain.auth.audit import CANCELLED, OK, UNFORESEEN
from domain.errors import ObeliskError
from entrypoints.grpc.call import await_subject, caller, known_context
from entrypoints.grpc.interceptors.chain import Around, Call
from entrypoints.grpc.object_ids import ids_of

# Calls that are no GET and are not written down here, each with why.
NOT_AUDITED = {
    "/obelisk.v1.RunService/StartRun": "the run and its event log are the record",
    "/obelisk.v1.SearchService/Search": "it changes nothing: a query stands in no address",
}


@cache
def changes_state(method: str) -> bool:
    """By the contract: every call whose HTTP form is no GET, and every one that has none."""
    if method in NOT_AUDITED:
        return False
    name = method.removeprefix("/").replace("/", ".")
    try:
        options = descriptor_pool.Default().FindMethodByName(name).GetOptions()
    except KeyError:
        return True
    http = options.Extensions[annotations_pb2.http]
    return bool(http.WhichOneof("pattern") != "get")


def audited(acts: AuditActs) -> Around:
    """Stands after authentication. A call that cannot be written down is not done."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncGenerator[None]:
        if not changes_state(call.method):
            yield
            return
        subject, context = await_subject(), known_context()
        event = await acts.begin(
            context, caller=caller(), action=call.method, objects=ids_of(call.request)
        )
        outcome = UNFORESEEN
        try:
            yield
            outcome = OK
        except ObeliskError as error:
            outcome = error.reason
            raise
        except (asyncio.CancelledError, GeneratorExit):
            outcome = CANCELLED
            raise
        finally:
            await acts.end(
                event,
                context,
                outcome=outcome,
                objects=ids_of(call.answer.message),
                subject=subject[0] if subject else None,
            )

    return around
