"""EraseTenant: what becomes of work that is under way, here and elsewhere."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.local.blobs import FileBlobStore
from adapters.local.fan_out import InProcessFanOut
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.plain_text_converter import PlainTextConverter
from application.documents.ingest import IngestDocument
from application.documents.upload import UploadDocument
from application.jobs import IngestDocumentJob
from application.ports.blob_store import Content
from application.ports.document_converter import PagesRead
from application.ports.document_store import DocumentStore
from application.runs.execute import ExecuteRun
from domain.agents.task import AgentTask
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import Collection
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure
from domain.identifiers import DocumentId, SpaceId
from domain.runs.event import EventKind, TokenBatch
from domain.runs.run import Run
from domain.tenancy.space import SpaceNotFound
from fixtures.dispatching import dispatcher
from fixtures.erasing import GUIDE, Ground, uploaded
from fixtures.house import AGENTS, HeldJobs, ScriptedRunner, context_of
from fixtures.making import new_home, run
from fixtures.recalling import recalling
from fixtures.stores import Stores, memory_stores, postgres_stores


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("pool"))


@pytest_asyncio.fixture
async def ground(stores: Stores, tmp_path: Path) -> Ground:
    return Ground(stores=stores, home=await new_home(stores.tenancy), root=tmp_path / "blobs")


class Gate:
    """Where a test holds work up."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.opened.wait()


class GatedBlobs(FileBlobStore):
    """Holds each put up, before or after its bytes are there."""

    def __init__(self, root: Path, gate: Gate, *, when: str) -> None:
        super().__init__(root)
        self._gate, self._when = gate, when

    async def put(self, space: SpaceId, document: DocumentId, content: Content) -> None:
        if self._when == "before":
            await self._gate.pass_through()
        await super().put(space, document, content)
        if self._when == "after":
            await self._gate.pass_through()


async def whole(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_upload_under_way_leaves_nothing_behind(ground: Ground, when: str) -> None:
    gate, jobs = Gate(), HeldJobs()
    upload = UploadDocument(
        documents=ground.stores.documents,
        blobs=GatedBlobs(ground.root, gate, when=when),
        jobs=jobs,
        embedder=HashEmbedder(),
        clock=ground.clock,
        entropy=ground.entropy,
    )
    task = asyncio.ensure_future(
        upload(
            context_of(ground.home),
            filename="guide.md",
            collection=Collection.GENERAL,
            content=whole(GUIDE),
        )
    )
    await gate.reached.wait()
    receipt = await ground.erase(jobs).space(context_of(ground.home))
    assert receipt.finish_time is not None
    gate.opened.set()
    with pytest.raises(SpaceNotFound):
        await task
    assert ground.files == []
    assert jobs.woken == 0
    assert await ground.documents_left() == 0


class GatedConverter:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        await self._gate.pass_through()
        return await PlainTextConverter().convert(
            filename=filename, media_type=media_type, content=content
        )


def ingesting(ground: Ground, gate: Gate, documents: DocumentStore | None = None) -> IngestDocument:
    return IngestDocument(
        documents=documents or ground.stores.documents,
        blobs=ground.blobs,
        converter=GatedConverter(gate),
        embedder=HashEmbedder(),
        clock=ground.clock,
        entropy=ground.entropy,
        policy=ChunkingPolicy(),
    )


async def test_an_ingestion_under_way_here_is_stopped(ground: Ground) -> None:
    _, gate = await uploaded(ground), Gate()
    async with dispatcher(ground.stores, ingest=ingesting(ground, gate)) as jobs:
        await gate.reached.wait()
        receipt = await ground.erase(jobs).space(context_of(ground.home))
    assert receipt.counts["jobs"] == 1
    assert ground.files == []
    assert await ground.documents_left() == 0


async def test_an_ingestion_under_way_elsewhere_finds_nothing_to_write_to(ground: Ground) -> None:
    made, gate = await uploaded(ground), Gate()
    job = IngestDocumentJob(space_id=made.space_id, document_id=made.document_id, fence=0)
    task = asyncio.ensure_future(ingesting(ground, gate)(job))
    await gate.reached.wait()
    await ground.erase().space(context_of(ground.home))
    gate.opened.set()
    await task
    assert ground.files == []
    assert await ground.documents_left() == 0


def executing(ground: Ground, gate: Gate) -> ExecuteRun:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="first")
        await gate.pass_through()
        yield TokenBatch(text="never kept")

    return ExecuteRun(
        runs=ground.stores.runs,
        log=ground.stores.log,
        fan_out=InProcessFanOut(),
        recall=recalling(ground.stores),
        journal=ground.stores.journal,
        runner=ScriptedRunner(script),
        agents=AGENTS,
        model_name="scripted",
        clock=ground.clock,
    )


async def said(ground: Ground, asked: Run) -> bool:
    events = await ground.stores.log.read(asked.space_id, asked.run_id, 0, 100)
    return any(isinstance(event.kind, TokenBatch) for event in events)


async def test_a_run_under_way_here_is_stopped(ground: Ground) -> None:
    gate, asked = Gate(), run(ground.home)
    await ground.stores.runs.create(asked, None)
    async with dispatcher(ground.stores, execute=executing(ground, gate)) as jobs:
        await gate.reached.wait()
        # A batch on its way would find the space gone, and end the run by itself.
        for _ in range(500):
            if await said(ground, asked):
                break
            await asyncio.sleep(0.01)
        receipt = await ground.erase(jobs).space(context_of(ground.home))
        assert receipt.counts["jobs"] == 1
        assert await jobs.stop(asked.space_id) == 0
    assert await ground.stores.log.read(asked.space_id, asked.run_id, 0, 100) == ()


async def test_a_run_under_way_elsewhere_writes_nothing_more(ground: Ground) -> None:
    gate, asked = Gate(), run(ground.home)
    await ground.stores.runs.create(asked, None)
    claimed = await ground.stores.runs.claim(asked.space_id, asked.run_id)
    task = asyncio.ensure_future(executing(ground, gate)(claimed))
    await gate.reached.wait()
    await ground.erase().space(context_of(ground.home))
    gate.opened.set()
    async with asyncio.timeout(5):
        await task
    assert await ground.stores.log.read(asked.space_id, asked.run_id, 0, 100) == ()
