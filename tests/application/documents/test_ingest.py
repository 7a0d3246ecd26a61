"""IngestDocument: whatever happens, the document says so."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.document_store import MemoryDocumentStore
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.knowledge_index import MemoryKnowledgeIndex
from adapters.memory.plain_text_converter import PlainTextConverter
from adapters.memory.state import MemoryState
from adapters.memory.workers import MemoryWorkers
from application.documents.ingest import IngestDocument
from application.documents.manage import ManageDocuments
from application.documents.reading_progress import ReadingProgress
from application.jobs import IngestDocumentJob
from application.ports.document_converter import DocumentConverter, PagesRead
from application.ports.embedder import Embedder
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import (
    Document,
    DocumentNotFound,
    DocumentUnreadable,
    IngestState,
)
from domain.documents.media import MediaType
from domain.documents.retrying import MOST_RETRIES
from domain.documents.structure import DocumentStructure, HiddenKind, HiddenText
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId, WorkerId
from domain.paging import PageRequest
from domain.retrieval.vector import Vector
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of
from fixtures.making import document, new_id

WORKER = WorkerId(new_id())
GUIDE = b"# Brand guide\n\n## Voice\n\nSpeak plainly, and smile while you smoke herring.\n"


class Hooked:
    """Does something first, then converts."""

    def __init__(self, first: Callable[[], Awaitable[None]]) -> None:
        self._first = first

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        await self._first()
        return await PlainTextConverter().convert(
            filename=filename, media_type=media_type, content=content
        )


def _failing(error: Exception) -> Hooked:
    async def fail() -> None:
        raise error

    return Hooked(fail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    house: House
    blobs: MemoryBlobStore
    clock: FixedClock

    async def uploaded(self, content: bytes = GUIDE, filename: str = "guide.md") -> Document:
        made = document(self.house.home, filename=filename)
        await self.blobs.put(made.space_id, made.document_id, content)
        await self.house.stores.documents.add(made)
        return made

    async def claim(self) -> tuple[tuple[IngestDocumentJob, int], ...]:
        """What a process is given that has done all it had."""
        return await self.house.stores.workers.claim_documents(WORKER, 9, at_work=[])

    async def claimed(self) -> list[DocumentId]:
        return [job.document_id for job, _ in await self.claim()]

    async def ingest(
        self,
        made: Document,
        converter: DocumentConverter | None = None,
        *,
        embedder: Embedder | None = None,
        claimed: IngestDocumentJob | None = None,
    ) -> None:
        """By the claim that holds it now, unless told."""
        ingest = IngestDocument(
            documents=self.house.stores.documents,
            blobs=self.blobs,
            converter=converter or PlainTextConverter(),
            embedder=embedder or HashEmbedder(),
            clock=self.clock,
            entropy=self.house.entropy,
            policy=ChunkingPolicy(),
        )
        await ingest(claimed or _job(await self.found(made)))

    async def found(self, made: Document) -> Document:
        return await self.house.stores.documents.get(made.space_id, made.document_id)

    async def is_kept(self, made: Document) -> bool:
        try:
            await self.blobs.get(made.space_id, made.document_id)
        except DocumentNotFound:
            return False
        return True

    async def passages(self, *made: Document) -> list[str]:
        found = await self.house.stores.index.of_documents(
            self.house.home.space,
            documents=[one.document_id for one in made],
            vector=None,
            model=HashEmbedder().model,
            limit=10,
        )
        return [passage.text for passage in found]


def _job(made: Document) -> IngestDocumentJob:
    return IngestDocumentJob(space_id=made.space_id, document_id=made.document_id, fence=made.fence)


@pytest.fixture
def desk(house: House) -> Desk:
    state, clock = MemoryState(), FixedClock()
    stores = replace(
        house.stores,
        documents=MemoryDocumentStore(state, clock),
        index=MemoryKnowledgeIndex(state),
        workers=MemoryWorkers(state, clock),
    )
    return Desk(house=replace(house, stores=stores), blobs=MemoryBlobStore(), clock=clock)


async def test_a_document_becomes_ready_and_can_be_found(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made)
    ready = await desk.found(made)
    assert (ready.state, ready.title, ready.failure) == (IngestState.READY, "Brand guide", "")
    assert ready.chunk_count == len(await desk.passages(made)) > 0
    assert any("smoke herring" in text for text in await desk.passages(made))


async def test_a_document_that_cannot_be_read_says_why(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, _failing(DocumentUnreadable("the file is encrypted")))
    failed = await desk.found(made)
    assert (failed.state, failed.failure) == (IngestState.FAILED, "the file is encrypted")


async def test_what_does_not_answer_is_asked_again_later(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, _failing(Unavailable("no room for another child")))
    waiting = await desk.found(made)
    assert (waiting.state, waiting.failure, waiting.retries) == (IngestState.PENDING, "", 1)
    assert await desk.claimed() == []
    desk.clock.advance(5)
    assert await desk.claimed() == [made.document_id]
    await desk.ingest(made)
    assert (await desk.found(made)).state is IngestState.READY


async def test_what_never_answers_is_given_up_with_its_reason(desk: Desk) -> None:
    made = await desk.uploaded()
    for _ in range(MOST_RETRIES + 1):
        assert (await desk.found(made)).state is IngestState.PENDING
        await desk.ingest(made, _failing(Unavailable("the embedding model does not answer")))
    failed = await desk.found(made)
    assert failed.state is IngestState.FAILED
    assert failed.failure == (
        "the embedding model does not answer; tried 7 times, upload it again later"
    )


async def test_waiting_for_another_try_spends_no_attempt(desk: Desk) -> None:
    made = await desk.uploaded()
    for _ in range(3):
        assert await desk.claimed() == [made.document_id]
        await desk.ingest(made, _failing(Unavailable("no room")))
        desk.clock.advance(3600)
    ((_, attempts),) = await desk.claim()
    assert attempts == 1


async def test_embedding_says_how_far_it_is(desk: Desk) -> None:
    long = b"\n\n".join(b"Sentence number %d is about herring. " % n * 20 for n in range(150))
    made = await desk.uploaded(long)
    seen: list[tuple[IngestState, int, int]] = []

    class Watching(HashEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            at = await desk.found(made)
            seen.append((at.state, at.stage_done, at.stage_total))
            return await super().embed_documents(texts)

    await desk.ingest(made, embedder=Watching())
    ready = await desk.found(made)
    total = ready.chunk_count
    assert total > 64
    assert seen == [(IngestState.EMBEDDING, at, total) for at in range(0, total, 64)]
    assert (ready.stage_done, ready.stage_total) == (0, 0)


async def test_reading_says_how_far_it_is_a_quarter_of_a_second_apart(desk: Desk) -> None:
    made = await desk.uploaded()
    seen: list[tuple[IngestState, int, int]] = []

    class Paged(PlainTextConverter):
        async def convert(
            self,
            *,
            filename: str,
            media_type: MediaType,
            content: bytes,
            progress: PagesRead | None = None,
        ) -> DocumentStructure:
            assert progress is not None
            for done in range(1, 7):
                desk.clock.advance(0.125)
                await progress(done, 6)
                at = await desk.found(made)
                seen.append((at.state, at.stage_done, at.stage_total))
            return await super().convert(filename=filename, media_type=media_type, content=content)

    await desk.ingest(made, Paged())
    assert {state for state, _, _ in seen} == {IngestState.CONVERTING}
    assert [(done, total) for _, done, total in seen] == [
        *((0, 0), (2, 6), (2, 6), (4, 6), (4, 6), (4, 6)),
    ]
    assert (await desk.found(made)).state is IngestState.READY


async def test_progress_that_cannot_be_written_fails_nothing(desk: Desk) -> None:
    made = await desk.uploaded()
    asked: list[tuple[int, int]] = []

    class Deaf(MemoryDocumentStore):
        async def move(
            self,
            space: SpaceId,
            document: DocumentId,
            state: IngestState,
            failure: str = "",
            *,
            done: int = 0,
            total: int = 0,
            retry_time: datetime | None = None,
            fence: int = 0,
        ) -> None:
            asked.append((done, total))
            raise Unavailable("the database does not answer")

    told = ReadingProgress(Deaf(MemoryState(), desk.clock), desk.clock, made)
    for done in (1, 2):
        desk.clock.advance(1)
        await told(done, 3)
    assert asked == [(1, 3), (2, 3)]


async def test_a_file_whose_whole_text_is_hidden_waits_for_a_person(desk: Desk) -> None:
    class AllHidden(PlainTextConverter):
        async def convert(
            self,
            *,
            filename: str,
            media_type: MediaType,
            content: bytes,
            progress: PagesRead | None = None,
        ) -> DocumentStructure:
            hidden = HiddenText(text="Buy our boats", kind=HiddenKind.WHITE, page=1)
            return DocumentStructure(title="", blocks=(), hidden=(hidden,))

    made = await desk.uploaded()
    await desk.ingest(made, AllHidden())
    ready = await desk.found(made)
    assert (ready.state, ready.chunk_count) == (IngestState.READY, 0)


async def test_an_unforeseen_failure_is_told_without_its_words(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, _failing(RuntimeError("/var/lib/secret")))
    failed = await desk.found(made)
    assert failed.state is IngestState.FAILED
    assert "secret" not in failed.failure


async def test_a_document_without_text_fails(desk: Desk) -> None:
    class Empty(PlainTextConverter):
        async def convert(
            self,
            *,
            filename: str,
            media_type: MediaType,
            content: bytes,
            progress: PagesRead | None = None,
        ) -> DocumentStructure:
            return DocumentStructure(title="", blocks=())

    made = await desk.uploaded()
    await desk.ingest(made, Empty())
    failed = await desk.found(made)
    assert failed.state is IngestState.FAILED
    assert "no text" in failed.failure


async def test_a_document_deleted_meanwhile_is_let_go_with_its_bytes(desk: Desk) -> None:
    made = await desk.uploaded()

    async def delete() -> None:
        await desk.house.stores.documents.delete(made.space_id, made.document_id)

    await desk.ingest(made, Hooked(delete))
    with pytest.raises(DocumentNotFound):
        await desk.found(made)
    assert not await desk.is_kept(made)
    assert await desk.passages(made) == []


async def test_a_document_that_fails_and_is_deleted_meanwhile_is_let_go(desk: Desk) -> None:
    made = await desk.uploaded()

    async def delete_and_fail() -> None:
        await desk.house.stores.documents.delete(made.space_id, made.document_id)
        raise DocumentUnreadable("broken")

    await desk.ingest(made, Hooked(delete_and_fail))
    assert not await desk.is_kept(made)


@pytest.mark.parametrize("error", [None, DocumentUnreadable("broken"), Unavailable("no room")])
async def test_who_wakes_up_after_it_lost_a_document_leaves_what_its_heir_made(
    desk: Desk, error: Exception | None
) -> None:
    made = await desk.uploaded()
    ((before, _),) = await desk.claim()

    async def sleep_until_the_heir_is_done() -> None:
        ((heir, _),) = await desk.claim()
        await desk.ingest(made, claimed=heir)
        if error:
            raise error

    await desk.ingest(made, Hooked(sleep_until_the_heir_is_done), claimed=before)
    ready = await desk.found(made)
    assert (ready.state, ready.failure, ready.fence) == (IngestState.READY, "", 2)
    assert await desk.is_kept(made)
    assert len(await desk.passages(made)) == ready.chunk_count > 0


async def test_a_claim_that_was_lost_before_it_began_converts_nothing(desk: Desk) -> None:
    made = await desk.uploaded()
    ((before, _),) = await desk.claim()
    ((heir, _),) = await desk.claim()
    await desk.ingest(made, _failing(AssertionError("nobody reads it")), claimed=before)
    waiting = await desk.found(made)
    assert (waiting.state, waiting.fence) == (IngestState.PENDING, heir.fence)
    assert await desk.is_kept(made)


async def test_bytes_that_are_gone_fail_no_document_of_an_heir(desk: Desk) -> None:
    made = await desk.uploaded()
    ((before, _),) = await desk.claim()

    async def lose() -> None:
        await desk.claim()
        raise DocumentNotFound

    await desk.ingest(made, Hooked(lose), claimed=before)
    assert (await desk.found(made)).state is IngestState.CONVERTING


async def test_a_document_whose_bytes_are_gone_fails_instead_of_hanging(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.blobs.delete(made.space_id, made.document_id)
    await desk.ingest(made)
    failed = await desk.found(made)
    assert failed.state is IngestState.FAILED
    assert "upload the file again" in failed.failure


async def test_the_same_file_again_replaces_the_older_one_and_its_bytes(desk: Desk) -> None:
    old, other = await desk.uploaded(), await desk.uploaded(filename="other.md")
    for made in (old, other):
        await desk.ingest(made)
    new = await desk.uploaded(GUIDE.replace(b"herring", b"salmon"))
    await desk.ingest(new)
    assert not await desk.is_kept(old)
    assert await desk.is_kept(new)
    assert await desk.is_kept(other)
    assert any("salmon" in text for text in await desk.passages(old, new))
    assert not any("herring" in text for text in await desk.passages(old, new))


async def test_the_older_one_stays_until_the_new_one_is_ready(desk: Desk) -> None:
    old = await desk.uploaded()
    await desk.ingest(old)
    new = await desk.uploaded()
    await desk.ingest(new, _failing(DocumentUnreadable("broken")))
    assert (await desk.found(old)).state is IngestState.READY
    assert await desk.passages(old)


async def test_ingesting_again_leaves_one_set_of_passages(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made)
    before = await desk.passages(made)
    await desk.ingest(made)
    assert await desk.passages(made) == before


def _manage(desk: Desk) -> ManageDocuments:
    return ManageDocuments(documents=desk.house.stores.documents, blobs=desk.blobs)


async def test_deleting_removes_rows_and_bytes(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made)
    manage, context = _manage(desk), context_of(desk.house.home, Role.EDITOR)
    await manage.delete(context, document_id=made.document_id)
    assert not await desk.is_kept(made)
    assert await desk.passages(made) == []
    for call in (manage.get, manage.delete):
        with pytest.raises(DocumentNotFound):
            await call(context, document_id=made.document_id)


async def test_readers_read_and_do_not_delete(desk: Desk) -> None:
    made = await desk.uploaded()
    manage, context = _manage(desk), context_of(desk.house.home, Role.VIEWER)
    assert await manage.get(context, document_id=made.document_id) == made
    assert (await manage.list(context, page=PageRequest())).items == (made,)
    with pytest.raises(ActionNotAllowed):
        await manage.delete(context, document_id=made.document_id)
    assert await desk.is_kept(made)


async def test_another_space_does_not_see_the_document(desk: Desk) -> None:
    made = await desk.uploaded()
    elsewhere = replace(desk.house.home, space=SpaceId(desk.house.entropy.uuid()))
    with pytest.raises(DocumentNotFound):
        await _manage(desk).get(context_of(elsewhere), document_id=made.document_id)
