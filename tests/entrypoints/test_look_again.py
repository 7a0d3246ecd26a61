"""What looks at pictures later is wired to the database, the bytes and the models of all others."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.local.entropy import SystemEntropy
from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.colour_embedder import ColourEmbedder
from adapters.memory.hash_embedder import HashEmbedder
from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.pool import Pool
from application.jobs import IngestDocumentJob
from application.ports.document_converter import PagesRead
from domain.documents.document import IngestState
from domain.documents.looking import PICTURES_WAIT
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, Paragraph, Picture
from domain.errors import Unavailable
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector
from entrypoints.documents import DocumentParts, build_ingest, build_look_again
from fixtures.making import document, new_home
from fixtures.photos import plain
from fixtures.stores import postgres_stores


class Away(ColourEmbedder):
    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        raise Unavailable("the picture model does not answer")


class Deck:
    """Finds two slides in every file, a picture on the second."""

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        red = Picture(image=plain("red"), caption="A lamp", page=2)
        return DocumentStructure(title="Deck", blocks=(Paragraph(text="Prices.", page=1), red))


async def test_a_document_is_ready_without_its_picture_model_and_whole_with_it(pool: Pool) -> None:
    stores, blobs = postgres_stores(pool), MemoryBlobStore()
    made = await stores.documents.add(document(await new_home(stores.tenancy)))
    space = made.space_id
    await blobs.put(space, made.document_id, b"bytes")
    parts = DocumentParts(
        pool=pool,
        documents=PostgresDocumentStore(pool),
        blobs=blobs,
        embedder=HashEmbedder(),
        clock=FixedClock(),
        entropy=SystemEntropy(),
        visual=Away(),
    )
    job = IngestDocumentJob(space_id=space, document_id=made.document_id, fence=0)
    await build_ingest(parts, Deck())(job)
    waiting = await stores.documents.get(space, made.document_id)
    assert (waiting.state, waiting.warnings) == (IngestState.READY, (PICTURES_WAIT,))

    colours = ColourEmbedder()
    look = build_look_again(replace(parts, visual=colours), Deck())
    assert await look()
    assert not await look()
    assert (await stores.documents.get(space, made.document_id)).warnings == ()
    (found,) = await stores.pictures.nearest(
        space,
        query=await colours.embed_query("red"),
        model=colours.model,
        within=SearchFilter(),
        limit=3,
    )
    assert "A lamp" in found.text
