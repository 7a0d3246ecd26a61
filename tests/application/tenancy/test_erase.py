"""EraseTenant: who may, in which order, and what becomes of work that is under way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.local.blobs import FileBlobStore
from adapters.local.fan_out import InProcessFanOut
from adapters.memory.clock import FixedClock
from adapters.memory.entropy import SeededEntropy
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.plain_text_converter import PlainTextConverter
from application.context import RequestContext
from application.documents.ingest import IngestDocument
from application.documents.upload import UploadDocument
from application.ports.blob_store import Content
from application.ports.document_converter import PagesRead
from application.ports.document_store import DocumentStore
from application.ports.erasure_store import ErasureStore
from application.ports.jobs import Jobs
from application.runs.execute import ExecuteRun
from application.tenancy.erase import EraseTenant
from domain.agents.task import AgentTask
from domain.auth.claims import Claims
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import Collection, Document
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure
from domain.errors import Conflict, Unavailable
from domain.identifiers import DocumentId, OrganizationId, ReceiptId, SpaceId, UserId
from domain.paging import PageRequest
from domain.runs.event import EventKind, TokenBatch
from domain.runs.run import Run
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.context_key import CachedAccess, ContextKey
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.dispatching import dispatcher
from fixtures.house import AGENTS, HeldJobs, ScriptedRunner, context_of
from fixtures.making import Home, document, new_home, new_id, run, space
from fixtures.recalling import recalling
from fixtures.stores import Stores, memory_stores, postgres_stores

ALL = PageRequest(size=200)
GUIDE = b"# Guide\n\nSpeak plainly.\n"


class Cache:
    """A cache of standings that says how often it was asked to forget, and can be away."""

    def __init__(self) -> None:
        self.forgotten: list[SpaceId] = []
        self.away = False

    async def get(self, key: ContextKey) -> CachedAccess | None:
        return None

    async def put(self, key: ContextKey, access: CachedAccess) -> None:
        return None

    async def forget(self, space: SpaceId) -> int:
        if self.away:
            raise Unavailable("Redis does not answer")
        self.forgotten.append(space)
        return 2


@dataclass(slots=True, kw_only=True)
class Ground:
    """The stores with real files, and what the settling saw."""

    stores: Stores
    home: Home
    root: Path
    cache: Cache = field(default_factory=Cache)
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy(11))
    clock: FixedClock = field(default_factory=FixedClock)
    settled: list[str] = field(default_factory=list)

    @property
    def blobs(self) -> FileBlobStore:
        return FileBlobStore(self.root)

    @property
    def files(self) -> list[str]:
        return [path.name for path in self.root.rglob("*")]

    async def settle(self) -> None:
        gone = await self.stores.tenancy.access_to(self.home.space, self.home.owner) is None
        self.settled.append(f"rows gone: {gone}, files: {len(self.files)}")

    def erase(self, jobs: Jobs | None = None, erasures: ErasureStore | None = None) -> EraseTenant:
        return EraseTenant(
            erasures=erasures or self.stores.erasures,
            tenancy=self.stores.tenancy,
            blobs=self.blobs,
            jobs=jobs or HeldJobs(),
            caches=[self.cache],
            settle=self.settle,
            clock=self.clock,
            entropy=self.entropy,
        )

    async def documents_left(self) -> int:
        return len((await self.stores.documents.list(self.home.space, ALL)).items)


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("pool"))


@pytest_asyncio.fixture
async def ground(stores: Stores, tmp_path: Path) -> Ground:
    return Ground(stores=stores, home=await new_home(stores.tenancy), root=tmp_path / "blobs")


async def uploaded(ground: Ground) -> Document:
    made = document(ground.home)
    await ground.blobs.put(made.space_id, made.document_id, GUIDE)
    await ground.stores.documents.add(made)
    return made


def named(context: RequestContext, **claims: object) -> RequestContext:
    changed: Claims = replace(context.claims, **claims)  # type: ignore[arg-type]  # by name
    return replace(context, claims=changed)


async def test_a_space_goes_with_rows_files_and_caches(ground: Ground) -> None:
    await uploaded(ground)
    receipt = await ground.erase().space(context_of(ground.home))
    assert receipt.finish_time is not None
    assert receipt.requester == ground.home.owner
    assert receipt.counts == {
        "spaces": 1,
        "space_members": 1,
        "documents": 1,
        "blobs": 1,
        "cache_entries": 2,
    }
    assert ground.files == []
    assert ground.cache.forgotten == [ground.home.space]
    assert await ground.documents_left() == 0


async def test_everybody_knows_before_the_files_go(ground: Ground) -> None:
    """Else a process that has not heard yet could fill a space that was swept."""
    await uploaded(ground)
    await ground.erase().space(context_of(ground.home))
    assert ground.settled == ["rows gone: True, files: 2"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
async def test_only_an_owner_erases_a_space(ground: Ground, role: Role) -> None:
    with pytest.raises(ActionNotAllowed):
        await ground.erase().space(context_of(ground.home, role))
    assert await ground.stores.tenancy.access_to(ground.home.space, ground.home.owner)


async def test_a_space_that_went_a_moment_ago_is_not_found(ground: Ground) -> None:
    await ground.erase().space(context_of(ground.home))
    with pytest.raises(SpaceNotFound):
        await ground.erase().space(context_of(ground.home))


async def test_an_organization_goes_with_all_its_spaces(ground: Ground) -> None:
    second = SpaceId(new_id())
    await ground.stores.tenancy.add_space(
        space(ground.home.organization, second), ground.home.owner
    )
    await ground.blobs.put(second, DocumentId(new_id()), b"2")
    await uploaded(ground)
    receipt = await ground.erase().organization(
        context_of(ground.home, None), ground.home.organization
    )
    assert receipt.space_id is None
    assert receipt.counts["blobs"] == 2
    assert ground.files == []
    assert set(ground.cache.forgotten) == {ground.home.space, second}


async def test_a_stranger_erases_no_organization(ground: Ground) -> None:
    erase, home = ground.erase(), ground.home
    away = await new_home(ground.stores.tenancy)
    stranger = named(context_of(home, None), subject=UserId(new_id()))
    elsewhere = named(context_of(home, None), organization_id=away.organization)
    missing = OrganizationId(new_id())
    for context, organization in (
        (stranger, home.organization),
        (elsewhere, home.organization),
        (context_of(home, None), away.organization),
        (context_of(home, None), missing),
    ):
        with pytest.raises(OrganizationNotFound):
            await erase.organization(context, organization)
    assert await ground.stores.tenancy.role_in(home.organization, home.owner) is Role.OWNER


async def test_a_receipt_is_for_who_asked(ground: Ground) -> None:
    erase, context = ground.erase(), context_of(ground.home, None)
    receipt = await erase.space(context_of(ground.home))
    assert await erase.receipt(context, receipt.receipt_id) == receipt
    with pytest.raises(ErasureReceiptNotFound) as foreign:
        await erase.receipt(named(context, subject=UserId(new_id())), receipt.receipt_id)
    with pytest.raises(ErasureReceiptNotFound) as missing:
        await erase.receipt(context, ReceiptId(new_id()))
    assert str(foreign.value) == str(missing.value)


async def test_what_keeps_an_erasure_from_going_on_is_made_up_for_at_the_next_start(
    ground: Ground,
) -> None:
    await uploaded(ground)
    ground.cache.away = True
    receipt = await ground.erase().space(context_of(ground.home))
    assert receipt.finish_time is None
    await ground.erase().resume()
    assert await pending(ground) == [receipt.receipt_id]
    ground.cache.away = False
    await ground.erase().resume()
    kept = await ground.erase().receipt(context_of(ground.home, None), receipt.receipt_id)
    assert kept.finish_time is not None
    assert ground.files == []


async def pending(ground: Ground) -> Sequence[ReceiptId]:
    found = await ground.stores.erasures.unfinished(ground.clock.now() + timedelta(days=2))
    return [receipt.receipt_id for receipt in found]


async def test_a_process_that_dies_in_the_middle_leaves_a_receipt_to_go_by(
    ground: Ground,
) -> None:
    await uploaded(ground)
    begun = ErasureReceipt(
        receipt_id=ReceiptId(new_id()),
        organization_id=ground.home.organization,
        space_id=ground.home.space,
        spaces=(ground.home.space,),
        requester=ground.home.owner,
        counts={},
        create_time=ground.clock.now(),
        finish_time=None,
    )
    await ground.stores.erasures.begin(begun)
    assert (len(ground.files), await pending(ground)) == (2, [begun.receipt_id])
    await ground.erase().resume()
    assert (ground.files, await pending(ground)) == ([], [])
    kept = await ground.erase().receipt(context_of(ground.home, None), begun.receipt_id)
    assert (kept.counts["documents"], kept.counts["blobs"]) == (1, 1)


async def test_bytes_that_a_dying_upload_left_are_swept_for_a_day(ground: Ground) -> None:
    await ground.erase().space(context_of(ground.home))
    await ground.blobs.put(ground.home.space, DocumentId(new_id()), b"late")
    await ground.erase().resume()
    assert ground.files == []


async def test_who_leaves_in_the_middle_does_not_stop_it(ground: Ground) -> None:
    await uploaded(ground)
    task = asyncio.ensure_future(ground.erase().space(context_of(ground.home)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ground.files == []
    assert await pending(ground) == []


async def test_it_is_tried_again_when_somebody_changes_the_same_people(ground: Ground) -> None:
    class Contended:
        """Two others come first."""

        def __init__(self) -> None:
            self.tries = 0

        async def begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
            self.tries += 1
            if self.tries < 3:
                raise Conflict("somebody else changed it")
            return await ground.stores.erasures.begin(receipt)

        async def finish(
            self, receipt_id: ReceiptId, counts: Mapping[str, int], finish_time: datetime
        ) -> None:
            await ground.stores.erasures.finish(receipt_id, counts, finish_time)

        async def get(self, receipt_id: ReceiptId) -> ErasureReceipt:
            return await ground.stores.erasures.get(receipt_id)

        async def unfinished(self, since: datetime) -> tuple[ErasureReceipt, ...]:
            return await ground.stores.erasures.unfinished(since)

    contended = Contended()
    receipt = await ground.erase(erasures=contended).space(context_of(ground.home))
    assert (contended.tries, receipt.finish_time is None) == (3, False)


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
    task = asyncio.ensure_future(ingesting(ground, gate)(made.space_id, made.document_id))
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
