"""The whole platform in this process, on embedded Postgres, with a model of one's own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.corpus import documents
from dependency_injector import providers

from adapters.local.jobs import InProcessJobs
from application.ports.chat_model import ChatModel
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


@asynccontextmanager
async def hosted(data_dir: Path, model: ChatModel) -> AsyncGenerator[ObeliskClient]:
    """A client, in an empty space, of a platform that lives in `data_dir` and writes by `model`."""
    settings = _settings(data_dir)
    async with platform(settings, lambda _: None) as container:
        # Use cases were wired to another model on the way up: wire them anew.
        container.chat_model.override(providers.Object(model))
        container.reset_singletons()
        jobs = container.jobs()
        if not isinstance(jobs, InProcessJobs):
            raise TypeError("the benchmark runs the platform's jobs in its own process")
        jobs.handle(
            execute_run=container.execute_run(), ingest_document=container.ingest_document()
        )
        async with (
            serving(container, settings) as addresses,
            client_of(settings, addresses.grpc) as client,
        ):
            home = await organization_named(client, "Bench")
            client.space_id = (await space_named(client, home, "Bench")).space_id
            yield client


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
