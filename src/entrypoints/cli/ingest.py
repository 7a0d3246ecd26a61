"""`obelisk ingest`: upload documents and show how far each has come."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from pathlib import Path

import grpc
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from domain.errors import FailedPrecondition
from entrypoints.cli.spaces import client, enter
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2


class CollectionName(Enum):
    BRAND = "brand"
    PRODUCT = "product"
    CAMPAIGN = "campaign"
    WEB = "web"
    GENERAL = "general"

    @property
    def wire(self) -> document_pb2.Collection.ValueType:
        """The collection on the wire."""
        return document_pb2.Collection.Value(f"COLLECTION_{self.name}")


class IngestFailed(FailedPrecondition):
    reason = "INGEST_FAILED"


_STEPS = {
    document_pb2.INGEST_STATE_PENDING: (0, "waiting"),
    document_pb2.INGEST_STATE_CONVERTING: (1, "reading"),
    document_pb2.INGEST_STATE_EMBEDDING: (2, "embedding"),
    document_pb2.INGEST_STATE_READY: (3, "ready"),
    document_pb2.INGEST_STATE_FAILED: (3, "failed"),
}

_UNITS = {
    document_pb2.INGEST_STATE_CONVERTING: "page",
    document_pb2.INGEST_STATE_EMBEDDING: "passage",
}


async def ingest(
    settings: Settings,
    server: str,
    space: str | None,
    files: Sequence[Path],
    collection: CollectionName,
) -> None:
    """Upload `files` into one collection; raises IngestFailed when any cannot be used."""
    async with client(settings, server) as obelisk:
        await enter(obelisk, space)
        await upload_all(obelisk, [(path, collection) for path in files])


async def upload_all(obelisk: ObeliskClient, files: Sequence[tuple[Path, CollectionName]]) -> None:
    """Upload files side by side with a progress bar each; those already there are left alone."""
    present = await _present(obelisk)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[name]:<28.28}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}", markup=False),
        console=console,
    ) as progress:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_upload(obelisk, path, collection, present, progress))
                for path, collection in files
            ]
    failures = [failure for task in tasks if (failure := task.result())]
    if failures:
        raise IngestFailed("; ".join(failures))


async def _present(obelisk: ObeliskClient) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    token = ""
    while True:
        request = document_pb2.ListDocumentsRequest(page_size=200, page_token=token)
        page = await obelisk.documents.ListDocuments(request, metadata=obelisk.metadata)
        ready = [d for d in page.documents if d.state == document_pb2.INGEST_STATE_READY]
        found |= {(d.filename, d.content_sha256) for d in ready}
        token = page.next_page_token
        if not token:
            return found


async def _upload(
    obelisk: ObeliskClient,
    path: Path,
    collection: CollectionName,
    present: set[tuple[str, str]],
    progress: Progress,
) -> str:
    task = progress.add_task("", total=3, name=path.name, state="sending")
    try:
        return await _upload_one(obelisk, path, collection, present, progress, task)
    except (grpc.aio.AioRpcError, OSError) as error:
        told = error.details() if isinstance(error, grpc.aio.AioRpcError) else error.strerror
        progress.update(task, completed=3, state=told or "failed")
        return f"{path.name}: {told}"


async def _upload_one(
    obelisk: ObeliskClient,
    path: Path,
    collection: CollectionName,
    present: set[tuple[str, str]],
    progress: Progress,
    task: TaskID,
) -> str:
    content = await asyncio.to_thread(path.read_bytes)
    if (path.name, sha256(content).hexdigest()) in present:
        progress.update(task, completed=3, state="ready (unchanged)")
        return ""
    sent = await obelisk.upload(path.name, content, collection.wire)
    failure = ""
    async for document in obelisk.ingestion(sent.document_id):
        _show(progress, task, document)
        for warning in document.warnings:
            progress.console.print(f"{document.filename}: {warning}", markup=False)
        if document.failure:
            failure = f"{document.filename}: {document.failure}"
    return failure


def _show(progress: Progress, task: TaskID, document: document_pb2.Document) -> None:
    step, words = how_far(document)
    progress.update(task, completed=step, state=words)


def how_far(document: document_pb2.Document) -> tuple[float, str]:
    """How much of the three steps is done, and what to say of it."""
    step, word = _STEPS[document.state]
    part = 0.0
    if document.state == document_pb2.INGEST_STATE_READY:
        word = f"ready, {document.chunk_count} passages, {document.page_count} pages"
    elif document.stage_total:
        part = document.stage_done / document.stage_total
        word += f" {_UNITS[document.state]} {document.stage_done} of {document.stage_total}"
    return step + part, document.failure or word
