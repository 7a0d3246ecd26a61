"""Conversations over real gRPC: named, renamed, made ready, gone on with."""

import grpc
import pytest

from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2 as pb
from obelisk.v1 import run_pb2

COMPLETE = run_pb2.TERMINATION_REASON_COMPLETE


async def _created(client: ObeliskClient, title: str = "Launch") -> pb.Conversation:
    request = pb.CreateConversationRequest(title=title)
    answer = await client.conversations.CreateConversation(request, metadata=client.metadata)
    return answer.conversation


async def _read(client: ObeliskClient, conversation_id: str) -> pb.Conversation:
    request = pb.GetConversationRequest(conversation_id=conversation_id)
    answer = await client.conversations.GetConversation(request, metadata=client.metadata)
    return answer.conversation


async def _renamed(client: ObeliskClient, conversation_id: str, title: str) -> pb.Conversation:
    request = pb.UpdateConversationRequest(conversation_id=conversation_id, title=title)
    answer = await client.conversations.UpdateConversation(request, metadata=client.metadata)
    return answer.conversation


async def _warm(client: ObeliskClient, conversation_id: str, agent: str = "email") -> bool:
    request = pb.PrepareConversationRequest(conversation_id=conversation_id, agent=agent)
    answer = await client.conversations.PrepareConversation(request, metadata=client.metadata)
    return answer.warm


async def test_a_conversation_is_read_and_renamed(client: ObeliskClient) -> None:
    made = await _created(client)
    assert await _read(client, made.conversation_id) == made
    renamed = await _renamed(client, made.conversation_id, " Spring launch 数 ")
    assert (renamed.title, renamed.create_time) == ("Spring launch 数", made.create_time)
    assert await _read(client, made.conversation_id) == renamed


async def test_a_title_that_is_too_long_changes_nothing(client: ObeliskClient) -> None:
    made = await _created(client)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _renamed(client, made.conversation_id, "x" * 201)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await _read(client, made.conversation_id) == made


async def test_a_conversation_is_made_ready_and_then_gone_on_with(client: ObeliskClient) -> None:
    thread = (await _created(client)).conversation_id
    assert await _warm(client, thread)
    for question in ("We launch the Alder on 14 May. Write a subject line.", "Now a shorter one."):
        events = [event async for event in client.ask("email", question, conversation_id=thread)]
        assert events[-1].completed.reason == COMPLETE
        assert await _warm(client, thread)
    listed = await client.conversations.ListMessages(
        pb.ListMessagesRequest(conversation_id=thread), metadata=client.metadata
    )
    roles = [message.role for message in listed.messages]
    assert roles == [pb.MESSAGE_ROLE_USER, pb.MESSAGE_ROLE_ASSISTANT] * 2


async def test_a_conversation_that_does_not_exist_is_not_found_by_any_call(
    client: ObeliskClient,
) -> None:
    nobody = "0190f0a0-0000-7000-8000-000000000000"
    for call in (_read(client, nobody), _renamed(client, nobody, "x"), _warm(client, nobody)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_agent_that_does_not_exist_is_not_made_ready(client: ObeliskClient) -> None:
    thread = (await _created(client)).conversation_id
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _warm(client, thread, agent="nobody")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
