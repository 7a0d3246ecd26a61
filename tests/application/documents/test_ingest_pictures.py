"""What the pictures of a document show goes into the search with its passages."""

from collections.abc import Sequence

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.colour_embedder import ColourEmbedder
from adapters.memory.entropy import SeededEntropy
from adapters.memory.hash_embedder import HashEmbedder
from application.documents.ingest import IngestDocument
from application.jobs import IngestDocumentJob
from application.ports.document_converter import PagesRead
from application.ports.visual_embedder import VisualEmbedder
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import Document, IngestState
from domain.documents.looking import PICTURES_WAIT
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Heading, Paragraph, Picture
from domain.errors import Unavailable
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector
from fixtures.making import Home, document, new_home
from fixtures.photos import plain
from fixtures.stores import Stores, memory_stores


class Reads:
    """Finds the same blocks in every file."""

    def __init__(self, *blocks: Block) -> None:
        self._blocks = blocks

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        return DocumentStructure(title="A deck", blocks=self._blocks)


class Away(ColourEmbedder):
    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        raise Unavailable("the picture model does not answer")


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


async def ingested(
    stores: Stores, home: Home, *blocks: Block, visual: VisualEmbedder | None = None
) -> Document:
    blobs, made = MemoryBlobStore(), document(home)
    await blobs.put(home.space, made.document_id, b"bytes")
    await stores.documents.add(made)
    ingest = IngestDocument(
        documents=stores.documents,
        blobs=blobs,
        converter=Reads(*blocks),
        embedder=HashEmbedder(),
        clock=FixedClock(),
        entropy=SeededEntropy(7),
        policy=ChunkingPolicy(),
        visual=visual or ColourEmbedder(),
    )
    await ingest(IngestDocumentJob(space_id=home.space, document_id=made.document_id, fence=0))
    return await stores.documents.get(home.space, made.document_id)


async def shows(stores: Stores, home: Home, colour: str) -> list[str]:
    embedder = ColourEmbedder()
    found = await stores.pictures.nearest(
        home.space,
        query=await embedder.embed_query(colour),
        model=embedder.model,
        within=SearchFilter(),
        limit=5,
    )
    return [passage.text for passage in found]


async def test_a_picture_is_found_with_the_words_beside_it(stores: Stores, home: Home) -> None:
    red = Picture(image=plain("red"), caption="A lamp")
    ready = await ingested(stores, home, Paragraph(text="Prices."), Heading(text="B", level=1), red)
    assert ready.state is IngestState.READY
    assert await shows(stores, home, "red") == ["A lamp"]


async def test_pictures_of_one_passage_have_one_vector(stores: Stores, home: Home) -> None:
    pictures = [Picture(image=plain(colour)) for colour in ("red", "blue")]
    await ingested(stores, home, Paragraph(text="Both."), *pictures)
    for colour in ("red", "blue", "red and blue"):
        assert await shows(stores, home, colour) == ["Both."]


async def test_a_document_that_is_one_picture_is_ready(stores: Stores, home: Home) -> None:
    ready = await ingested(stores, home, Picture(image=plain("red"), caption="Picture on page 1"))
    assert (ready.state, ready.chunk_count) == (IngestState.READY, 1)
    assert await shows(stores, home, "red") == ["Picture on page 1"]


async def test_a_picture_model_that_is_away_costs_the_text_no_time(
    stores: Stores, home: Home
) -> None:
    red = Picture(image=plain("red"), caption="A lamp")
    ready = await ingested(stores, home, Paragraph(text="Prices."), red, visual=Away())
    assert (ready.state, ready.retries) == (IngestState.READY, 0)
    assert ready.warnings == (PICTURES_WAIT,)
    assert await shows(stores, home, "red") == []


async def test_without_pictures_nobody_asks_for_the_model(stores: Stores, home: Home) -> None:
    ready = await ingested(stores, home, Paragraph(text="Prices."), visual=Away())
    assert (ready.state, ready.warnings) == (IngestState.READY, ())


async def test_a_picture_that_the_model_cannot_read_costs_that_picture(
    stores: Stores, home: Home
) -> None:
    broken = Picture(image=b"no picture", caption="Broken")
    alone = Heading(text="Alone", level=1)
    red = Picture(image=plain("red"))
    ready = await ingested(stores, home, Paragraph(text="Both."), red, broken, alone, broken)
    assert ready.state is IngestState.READY
    assert "Both." in (await shows(stores, home, "red"))[0]
