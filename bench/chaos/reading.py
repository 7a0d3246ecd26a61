"""What is left when all is over: the logs, the conversations, the runs in the database."""

import asyncio
from collections.abc import Sequence

import asyncpg
import grpc
from bench.chaos.asking import Place
from bench.chaos.clients import Clients
from bench.chaos.effects import read_effects
from bench.chaos.history import History, Story
from bench.chaos.world import World

from obelisk.v1 import conversation_pb2, run_pb2

_AT_ONCE = 8
_READ_SECONDS = 5.0
_TRIES = 3
_PAGE = 200
_RUNS = """
select r.run_id, r.state, r.fence, r.attempts, r.last_sequence, r.cancel_requested, r.worker_id,
       r.conversation_id, r.create_time::text,
       (select w.expire_time::text from obelisk.workers w where w.worker_id = r.worker_id)
         as worker_expires, clock_timestamp()::text as now
from obelisk.runs r
"""
_CONNECTIONS = """
select count(*) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()
"""


async def read_history(
    world: World, clients: Clients, places: Sequence[Place], stories: Sequence[Story]
) -> History:
    """Everything that the verdict is about; the logs are read through the servers, from 0."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def log_of(story: Story) -> None:
        async with room:
            await _read_log(clients, story)

    async with asyncio.TaskGroup() as group:
        for story in stories:
            if story.run_id:
                group.create_task(log_of(story))
    messages = {
        conversation: await _messages(clients, place, conversation)
        for place in places
        for conversation in place.conversations
    }
    accepted, unended, connections = await _database(world)
    return History(
        stories=tuple(stories),
        deeds=read_effects(world.effects),
        messages=messages,
        accepted=accepted,
        unended=unended,
        connections=connections,
    )


async def _read_log(clients: Clients, story: Story) -> None:
    """What is kept of it now; a run that has not ended is read as far as it goes."""
    request = run_pb2.WatchRunRequest(run_id=story.run_id)
    for _ in range(_TRIES):
        story.log.clear()
        stream = clients.door().runs.WatchRun(
            request, metadata=clients.metadata(story.space_id), timeout=_READ_SECONDS
        )
        try:
            async for message in stream:
                if message.HasField("event"):
                    story.log.append(message.event)
        except grpc.aio.AioRpcError as error:
            clients.forgive(error, f"{story.tag}, reading its log")
        if story.log and story.log[-1].HasField("completed"):
            return


async def _messages(
    clients: Clients, place: Place, conversation: str
) -> tuple[conversation_pb2.Message, ...]:
    found: list[conversation_pb2.Message] = []
    token = ""
    while True:
        answer = await clients.door().conversations.ListMessages(
            conversation_pb2.ListMessagesRequest(
                conversation_id=conversation, page_size=_PAGE, page_token=token
            ),
            metadata=clients.metadata(place.space_id),
            wait_for_ready=True,
            timeout=_READ_SECONDS,
        )
        found += answer.messages
        token = answer.next_page_token
        if not token:
            return tuple(found)


async def _database(world: World) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """All run ids in the database, the rows of those that have not ended, and our connections."""
    connection = await asyncpg.connect(world.postgres.dsn)
    try:
        found = await connection.fetch(_RUNS)
        connections = await connection.fetchval(_CONNECTIONS)
    finally:
        await connection.close()
    unended = [row for row in found if row["state"] != "ended"]
    return (
        tuple(str(row["run_id"]) for row in found),
        tuple(str(dict(row)) for row in unended),
        connections,
    )
