"""The whole platform in this process, on embedded Postgres, with a model of one's own."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from bench.corpus import documents

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.weights import packaged_embedding_model
from adapters.memory.hash_embedder import HashEmbedder
from adapters.postgres.account_store import PostgresAccountStore
from application.context import Caller
from application.ports.chat_model import ChatModel
from domain.auth.account import User
from domain.identifiers import OrganizationId, UserId
from entrypoints.cli.spaces import client as client_of
from entrypoints.cli.spaces import organization_named, space_named
from entrypoints.server import serving
from entrypoints.settings import Settings
from entrypoints.startup import platform
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2

_UPLOADS_AT_ONCE = 4


class IngestionFailed(Exception):
    """A document of the benchmark's own could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a platform is served, and what opens a space of it."""

    grpc: str
    rest: str
    token: str
    space: str


@asynccontextmanager
async def hosted(data_dir: Path, model: ChatModel) -> AsyncGenerator[ObeliskClient]:
    """A client, in an empty space, of a platform that lives in `data_dir` and writes by `model`."""
    settings = _settings(data_dir)

    async def models(settings: Settings, stack: AsyncExitStack) -> tuple[ChatModel, MiniLmEmbedder]:
        embedder = MiniLmEmbedder(packaged_embedding_model())
        stack.push_async_callback(embedder.close)
        await embedder.start()
        return model, embedder

    async with (
        platform(settings, lambda _: None, models) as container,
        serving(container, settings) as addresses,
        client_of(settings, addresses.grpc) as client,
    ):
        home = await organization_named(client, "Bench")
        client.space_id = (await space_named(client, home, "Bench")).space_id
        yield client


@asynccontextmanager
async def served(
    data_dir: Path, model: ChatModel, documents: int, *, changed: Mapping[str, object] | None = None
) -> AsyncGenerator[Place]:
    """A platform with `documents` in a space, embedded without a model, answering in two calls.

    The token is an ordinary user's, bound to one organization, as most tokens are. `changed` are
    settings that go before the benchmark's own.
    """
    update = {"chat_sections": 2, "token_minutes": 120, **(changed or {})}
    settings = _settings(data_dir).model_copy(update=update)

    async def models(settings: Settings, stack: AsyncExitStack) -> tuple[ChatModel, HashEmbedder]:
        return model, HashEmbedder()

    async with (
        platform(settings, lambda _: None, models) as container,
        serving(container, settings) as addresses,
    ):
        user = UserId(uuid4())
        person = User(
            user_id=user, email=None, display_name="Bench", create_time=container.clock().now()
        )
        await PostgresAccountStore(container.pool()).add(person, None)
        caller = Caller(correlation_id="bench")
        opened = await container.sessions().open(user=user, organization=None, caller=caller)
        async with ObeliskClient(addresses.grpc, token=opened.access_token) as client:
            home = await organization_named(client, "Bench")
            client.space_id = (await space_named(client, home, "Bench")).space_id
            await ingest(client, documents)
            bound = await container.sessions().open(
                user=user, organization=OrganizationId(UUID(home.organization_id)), caller=caller
            )
            yield Place(
                grpc=addresses.grpc,
                rest=addresses.rest,
                token=bound.access_token,
                space=client.space_id,
            )


async def ingest(client: ObeliskClient, count: int) -> int:
    """Upload `count` documents and wait until all are searchable; returns their passages.

    Raises IngestionFailed.
    """
    room = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def one(
        filename: str, content: bytes, collection: document_pb2.Collection.ValueType
    ) -> int:
        async with room:
            sent = await client.upload(filename, content, collection)
            async for document in client.ingestion(sent.document_id):
                sent = document
        if sent.state != document_pb2.INGEST_STATE_READY:
            raise IngestionFailed(f"{filename}: {sent.failure}")
        return sent.chunk_count

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(*document)) for document in documents(count)]
    return sum(task.result() for task in tasks)


def _settings(data_dir: Path) -> Settings:
    """Embedded and on loopback, whatever this machine's environment says."""
    return Settings().model_copy(
        update={
            "data_dir": data_dir,
            "grpc_host": "127.0.0.1",
            "grpc_port": 0,
            "rest_host": "127.0.0.1",
            "rest_port": 0,
            "database_url": None,
            "app_database_url": None,
            "redis_url": None,
            # Never asked: it keeps the embedded model from being loaded.
            "chat_url": "http://127.0.0.1:9/v1",
            "chat_model": "none",
            "chat_sections": 0,
            "embedding_url": None,
            "runs_at_once": 16,
        }
    )
