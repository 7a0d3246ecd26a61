"""The main job over real gRPC: ask, stream, watch again, cancel."""

import asyncio
import time
from contextlib import aclosing
from uuid import uuid4

import grpc
import pytest

from fixtures.entering import ingested
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2, run_pb2

QUESTION = (
    "Write a short newsletter email that introduces the Second Round refurbished Rill 54: "
    "its price, its warranty and what we do to each machine."
)
# Its answer is short, and costs a quarter.
HELLO = "Say hello to our owners."
COMPLETE = run_pb2.TERMINATION_REASON_COMPLETE


async def test_a_run_streams_tokens_cites_its_sources_and_replays_event_for_event(
    stocked: ObeliskClient,
) -> None:
    arrived: list[tuple[float, run_pb2.RunEvent]] = []
    async for event in stocked.ask("email", QUESTION):
        arrived.append((time.monotonic(), event))
    streamed = [event for _, event in arrived]

    assert [event.sequence for event in streamed] == list(range(1, len(streamed) + 1))
    assert streamed[-1].completed.reason == COMPLETE
    tokens = [(when, e.token_batch.text) for when, e in arrived if e.HasField("token_batch")]
    assert len(tokens) > 5
    assert tokens[-1][0] - tokens[0][0] > 0.2, "the first text came before the last was made"
    drafted = next(e.drafted for e in streamed if e.HasField("drafted"))
    assert drafted.text == "".join(text for _, text in tokens)
    sources = next(e.sources_retrieved.sources for e in streamed if e.HasField("sources_retrieved"))
    cited = {source.filename for source in sources if source.number in drafted.cited_sources}
    assert "product-sheet.pdf" in cited, "its price, its warranty and what is done to each machine"
    assert all(f"[{number}]" in drafted.text for number in drafted.cited_sources)

    replayed = [event async for event in stocked.watch(streamed[0].queued.run_id)]
    assert replayed == streamed


async def test_a_watcher_that_leaves_ends_a_watch_and_not_the_run(client: ObeliskClient) -> None:
    seen: list[run_pb2.RunEvent] = []
    async with aclosing(client.ask("email", HELLO)) as events:
        async for event in events:
            seen.append(event)
            if event.HasField("token_batch"):
                break
    rest = client.watch(seen[0].queued.run_id, after_sequence=seen[-1].sequence)
    seen += [event async for event in rest]
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].completed.reason == COMPLETE


async def test_a_cancelled_run_ends_within_a_second_and_keeps_what_it_said(
    stocked: ObeliskClient,
) -> None:
    events: list[run_pb2.RunEvent] = []
    cancelled_at = ended_at = 0.0
    async for event in stocked.ask("email", QUESTION):
        events.append(event)
        if event.HasField("token_batch") and not cancelled_at:
            request = run_pb2.CancelRunRequest(run_id=events[0].queued.run_id)
            await stocked.runs.CancelRun(request, metadata=stocked.metadata)
            cancelled_at = time.monotonic()
        ended_at = time.monotonic()
    assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_CANCELLED
    assert ended_at - cancelled_at < 1.0
    assert any(event.HasField("token_batch") for event in events)


async def test_the_same_request_id_joins_the_run_and_another_question_is_refused(
    client: ObeliskClient,
) -> None:
    request_id = str(uuid4())

    async def ask(question: str) -> list[run_pb2.RunEvent]:
        return [e async for e in client.ask("brand", question, request_id=request_id)]

    first, second = await asyncio.gather(ask(HELLO), ask(HELLO))
    assert first == second
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask("Something else")
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_a_conversation_holds_question_and_answer(client: ObeliskClient) -> None:
    created = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title="Launch"), metadata=client.metadata
    )
    conversation_id = created.conversation.conversation_id
    events = [event async for event in client.ask("email", HELLO, conversation_id=conversation_id)]
    listed = await client.conversations.ListMessages(
        conversation_pb2.ListMessagesRequest(conversation_id=conversation_id),
        metadata=client.metadata,
    )
    drafted = next(event.drafted.text for event in events if event.HasField("drafted"))
    assert [message.content for message in listed.messages] == [HELLO, drafted]


async def test_a_referenced_document_is_read_first(client: ObeliskClient) -> None:
    await ingested(client, "rill.md", b"# Rill 54\n\nThe Rill 54 costs 199 euros.\n")
    sent = await client.upload("fair.md", b"# Fair\n\nOur stand at the Lisbon fair is B12.\n")
    async for _ in client.ingestion(sent.document_id):
        pass
    question = "What does the Rill 54 cost?"
    events = [
        event async for event in client.ask("brand", question, document_ids=[sent.document_id])
    ]
    sources = next(e.sources_retrieved.sources for e in events if e.HasField("sources_retrieved"))
    assert [source.filename for source in sources] == ["fair.md", "rill.md"]
    assert "referenced" in sources[0].streams


async def test_an_empty_space_is_told_apart_from_a_failing_search(client: ObeliskClient) -> None:
    events = [event async for event in client.ask("email", HELLO)]
    sources = next(e.sources_retrieved for e in events if e.HasField("sources_retrieved"))
    assert not sources.sources
    assert not sources.degraded_streams
    assert events[-1].completed.reason == COMPLETE
