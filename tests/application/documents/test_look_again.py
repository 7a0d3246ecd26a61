"""Pictures are looked at again, by today's model or once it is back, while the text serves."""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.colour_embedder import ColourEmbedder
from adapters.memory.entropy import SeededEntropy
from adapters.memory.hash_embedder import HashEmbedder
from application.documents.ingest import IngestDocument
from application.documents.look_again import LookAgain
from application.jobs import IngestDocumentJob
from application.ports.document_converter import PagesRead
from application.ports.visual_embedder import VisualEmbedder
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import Document, DocumentUnreadable, IngestState
from domain.documents.looking import MOST_LOOKS, PICTURES_GIVEN_UP, PICTURES_WAIT, look_delay
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Paragraph, Picture
from domain.errors import ObeliskError, Unavailable
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector
from fixtures.making import Home, document, new_home
from fixtures.photos import plain
from fixtures.stores import Stores, memory_stores

RED = Picture(image=plain("red"), caption="A lamp")


@dataclass
class Reads:
    """Finds the same blocks in every file, until it is told otherwise."""

    blocks: tuple[Block, ...] = (Paragraph(text="Prices."), RED)
    warnings: tuple[str, ...] = ()
    fails: ObeliskError | None = None
    read: list[str] = field(default_factory=list)
    again: asyncio.Event = field(default_factory=asyncio.Event)

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        self.read.append(filename)
        if len(self.read) > 1:
            self.again.set()
        if self.fails:
            raise self.fails
        return DocumentStructure(title="A deck", blocks=self.blocks, warnings=self.warnings)


class Away(ColourEmbedder):
    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        raise Unavailable("the picture model does not answer")


class Hangs(ColourEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        self.asked.set()
        await asyncio.Event().wait()
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    stores: Stores
    home: Home
    clock: FixedClock
    blobs: MemoryBlobStore = field(default_factory=MemoryBlobStore)
    reads: Reads = field(default_factory=Reads)

    def ingest(self, visual: VisualEmbedder) -> IngestDocument:
        return IngestDocument(
            documents=self.stores.documents,
            blobs=self.blobs,
            converter=self.reads,
            embedder=HashEmbedder(),
            clock=self.clock,
            entropy=SeededEntropy(7),
            policy=ChunkingPolicy(),
            visual=visual,
        )

    def look(self, visual: VisualEmbedder, *, fleeting: bool = False) -> LookAgain:
        return LookAgain(
            looks=self.stores.fleeting_looks if fleeting else self.stores.looks,
            blobs=self.blobs,
            converter=self.reads,
            visual=visual,
            ingest=self.ingest(visual),
            idle_seconds=0.01,
        )

    async def ingested(self, visual: VisualEmbedder, filename: str = "deck.pptx") -> Document:
        made = document(self.home, filename=filename)
        await self.blobs.put(made.space_id, made.document_id, b"bytes")
        await self.stores.documents.add(made)
        job = IngestDocumentJob(space_id=made.space_id, document_id=made.document_id, fence=0)
        await self.ingest(visual)(job)
        return await self.found(made)

    async def found(self, made: Document) -> Document:
        return await self.stores.documents.get(made.space_id, made.document_id)

    async def shows(self, visual: VisualEmbedder, colour: str = "red") -> list[str]:
        near = await self.stores.pictures.nearest(
            self.home.space,
            query=await visual.embed_query(colour),
            model=visual.model,
            within=SearchFilter(),
            limit=5,
        )
        return [passage.text for passage in near]

    async def passages(self, made: Document) -> list[str]:
        found = await self.stores.index.of_documents(
            self.home.space,
            documents=[made.document_id],
            vector=None,
            model=HashEmbedder().model,
            limit=10,
        )
        return [f"{passage.chunk_id} {passage.text}" for passage in found]


@pytest.fixture
async def desk() -> Desk:
    clock = FixedClock()
    stores = memory_stores(clock)
    return Desk(stores=stores, home=await new_home(stores.tenancy), clock=clock)


async def test_pictures_that_waited_for_their_model_are_found_once_it_is_back(desk: Desk) -> None:
    made = await desk.ingested(Away())
    assert made.warnings == (PICTURES_WAIT,)
    before = await desk.passages(made)
    with pytest.raises(Unavailable):
        await desk.look(Away())()
    assert await desk.found(made) == made
    assert not await desk.look(ColourEmbedder())()

    desk.clock.advance(61)
    assert await desk.look(ColourEmbedder())()
    assert len(await desk.shows(ColourEmbedder())) == 1
    assert await desk.passages(made) == before
    assert (await desk.found(made)).warnings == ()


async def test_another_model_looks_again_and_no_passage_is_made_anew(desk: Desk) -> None:
    old, new = ColourEmbedder("old"), ColourEmbedder("new")
    made = await desk.ingested(old)
    before = await desk.passages(made)
    assert await desk.shows(old)
    assert await desk.shows(new) == []

    assert await desk.look(new)()
    assert len(await desk.shows(new)) == 1
    assert await desk.shows(old) == []
    assert await desk.passages(made) == before
    assert (await desk.found(made)).state is IngestState.READY
    assert not await desk.look(new)()


async def test_what_is_told_of_the_pictures_is_told_anew(desk: Desk) -> None:
    made = await desk.ingested(Away())
    desk.reads.warnings = ("picture 7 was left out",)
    assert await desk.look(ColourEmbedder())()
    assert (await desk.found(made)).warnings == ("picture 7 was left out",)
    assert await desk.shows(ColourEmbedder())


async def test_a_file_that_is_read_otherwise_by_now_is_swapped_whole(desk: Desk) -> None:
    made = await desk.ingested(Away())
    desk.reads.blocks = (Paragraph(text="Prices of today."), RED)
    assert await desk.look(ColourEmbedder())()

    (passage,) = await desk.passages(made)
    assert "Prices of today." in passage
    assert "Prices of today." in (await desk.shows(ColourEmbedder()))[0]
    now = await desk.found(made)
    assert (now.state, now.warnings, now.version) == (IngestState.READY, (), made.version)
    assert not await desk.look(ColourEmbedder())()


async def test_nothing_is_swapped_while_the_model_is_away(desk: Desk) -> None:
    made = await desk.ingested(Away())
    before = await desk.passages(made)
    desk.reads.blocks = (Paragraph(text="Prices of today."), RED)
    with pytest.raises(Unavailable):
        await desk.look(Away())()
    assert await desk.passages(made) == before
    assert await desk.found(made) == made


async def test_a_document_that_cannot_be_read_any_more_keeps_its_text_and_is_given_up(
    desk: Desk,
) -> None:
    made = await desk.ingested(Away())
    desk.reads.fails = DocumentUnreadable("it is damaged")
    assert await desk.look(ColourEmbedder(), fleeting=True)()
    assert not await desk.look(ColourEmbedder(), fleeting=True)()

    now = await desk.found(made)
    assert (now.state, now.warnings) == (IngestState.READY, (PICTURES_GIVEN_UP,))
    assert await desk.passages(made)


async def test_one_whose_bytes_are_gone_is_given_up(desk: Desk) -> None:
    made = await desk.ingested(Away())
    await desk.blobs.delete(made.space_id, made.document_id)
    assert await desk.look(ColourEmbedder(), fleeting=True)()
    assert (await desk.found(made)).warnings == (PICTURES_GIVEN_UP,)
    assert not await desk.look(ColourEmbedder(), fleeting=True)()


async def test_one_that_always_fails_does_not_keep_the_others_waiting(desk: Desk) -> None:
    bad = await desk.ingested(Away(), "bad.pptx")
    good = await desk.ingested(Away(), "good.pptx")
    await desk.blobs.delete(bad.space_id, bad.document_id)
    look, times = desk.look(ColourEmbedder(), fleeting=True), 0
    while await look():
        times += 1
    assert times == 2
    assert (await desk.found(good)).warnings == ()
    assert desk.reads.read.count("bad.pptx") == 1
    assert desk.reads.read.count("good.pptx") == 2


async def test_a_process_that_dies_again_and_again_with_one_lets_it_go(desk: Desk) -> None:
    made = await desk.ingested(Away())
    for _ in range(MOST_LOOKS):
        assert await desk.stores.fleeting_looks.take(ColourEmbedder().model)
    read = len(desk.reads.read)
    assert await desk.look(ColourEmbedder(), fleeting=True)()

    assert len(desk.reads.read) == read
    assert (await desk.found(made)).warnings == (PICTURES_GIVEN_UP,)
    assert not await desk.look(ColourEmbedder(), fleeting=True)()


async def test_who_stops_meanwhile_has_spent_no_look(desk: Desk) -> None:
    made, hangs = await desk.ingested(Away()), Hangs()
    work = asyncio.create_task(desk.look(hangs)())
    await hangs.asked.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await desk.found(made)).warnings == (PICTURES_WAIT,)
    look = await desk.stores.looks.take(hangs.model)
    assert look is not None
    assert look.looks == 1


async def test_a_document_deleted_meanwhile_is_let_go(desk: Desk) -> None:
    made = await desk.ingested(Away())

    class Deletes(ColourEmbedder):
        async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
            await desk.stores.documents.delete(made.space_id, made.document_id)
            return [array("f", [1.0] + [0.0] * 7) for _ in pictures]

    assert await desk.look(Deletes())()
    assert not await desk.look(ColourEmbedder())()


async def test_it_goes_on_by_itself_until_it_is_left(desk: Desk) -> None:
    made = await desk.ingested(Away())
    desk.reads.fails = DocumentUnreadable("it is damaged")
    async with desk.look(ColourEmbedder()).at_work():
        async with asyncio.timeout(20):
            await desk.reads.again.wait()
    assert desk.reads.read == [made.filename] * 2


def test_who_is_away_is_asked_ever_more_seldom() -> None:
    minutes = [look_delay(delays).total_seconds() / 60 for delays in range(8)]
    assert minutes == [1, 4, 16, 64, 256, 360, 360, 360]
    assert look_delay(10**6) == look_delay(7)
