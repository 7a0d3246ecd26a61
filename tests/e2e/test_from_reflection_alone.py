"""A program that knows only the address can learn the contract and use it, as grpcurl does."""

import asyncio

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from fixtures.obelisk_process import ObeliskProcess
from obelisk.client import ObeliskClient

_SERVICE = "obelisk.v1.RunService"


async def test_a_run_is_started_and_watched_with_the_contract_read_from_the_server(
    server: ObeliskProcess, client: ObeliskClient
) -> None:
    started, watched = await asyncio.to_thread(_ask, server.grpc, client.metadata)
    assert started[0].endswith("queued")
    assert started[-1].endswith("completed")
    assert watched == started


def _ask(target: str, metadata: tuple[tuple[str, str], ...]) -> tuple[list[str], list[str]]:
    """Start a run and watch it again; "sequence kind" of each event, both times."""
    with grpc.insecure_channel(target) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        methods = pool.FindServiceByName(_SERVICE).methods_by_name

        def call(name: str, **fields: str) -> tuple[list[str], str]:
            method = methods[name]
            send = channel.unary_stream(
                f"/{_SERVICE}/{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            events = [
                m.event
                for m in send(GetMessageClass(method.input_type)(**fields), metadata=metadata)
            ]
            kinds = [f"{event.sequence} {event.WhichOneof('kind')}" for event in events]
            return kinds, events[0].queued.run_id

        started, run_id = call("StartRun", agent="brand", question="Say who we are.")
        watched, _ = call("WatchRun", run_id=run_id)
        return started, watched
