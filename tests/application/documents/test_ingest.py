"""IngestDocument: whatever happens, the document says so."""

from collections.abc import Sequence
from datetime import datetime

from adapters.memory.document_store import MemoryDocumentStore
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.plain_text_converter import PlainTextConverter
from adapters.memory.state import MemoryState
from application.documents.reading_progress import ReadingProgress
from application.ports.document_converter import PagesRead
from domain.documents.document import (
    DocumentUnreadable,
    IngestState,
)
from domain.documents.media import MediaType
from domain.documents.retrying import MOST_RETRIES
from domain.documents.structure import DocumentStructure, HiddenKind, HiddenText
from domain.errors import Conflict, Unavailable
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.vector import Vector
from fixtures.ingesting import GUIDE, Desk, failing


async def test_a_document_becomes_ready_and_can_be_found(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made)
    ready = await desk.found(made)
    assert (ready.state, ready.title, ready.failure) == (IngestState.READY, "Brand guide", "")
    assert ready.chunk_count == len(await desk.passages(made)) > 0
    assert any("smoke herring" in text for text in await desk.passages(made))


async def test_a_document_that_cannot_be_read_says_why(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, failing(DocumentUnreadable("the file is encrypted")))
    failed = await desk.found(made)
    assert (failed.state, failed.failure) == (IngestState.FAILED, "the file is encrypted")


async def test_what_does_not_answer_is_asked_again_later(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, failing(Unavailable("no room for another child")))
    waiting = await desk.found(made)
    assert (waiting.state, waiting.failure, waiting.retries) == (IngestState.PENDING, "", 1)
    assert await desk.claimed() == []
    desk.clock.advance(5)
    assert await desk.claimed() == [made.document_id]
    await desk.ingest(made)
    assert (await desk.found(made)).state is IngestState.READY


async def test_what_somebody_else_was_faster_at_is_tried_again(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made, failing(Conflict("somebody else changed it at the same time")))
    waiting = await desk.found(made)
    assert (waiting.state, waiting.failure, waiting.retries) == (IngestState.PENDING, "", 1)


async def test_what_never_answers_is_given_up_with_its_reason(desk: Desk) -> None:
    made = await desk.uploaded()
    for _ in range(MOST_RETRIES + 1):
        assert (await desk.found(made)).state is IngestState.PENDING
        await desk.ingest(made, failing(Unavailable("the embedding model does not answer")))
    failed = await desk.found(made)
    assert failed.state is IngestState.FAILED
    assert failed.failure == (
        "the embedding model does not answer; tried 7 times, upload it again later"
    )


async def test_waiting_for_another_try_spends_no_attempt(desk: Desk) -> None:
    made = await desk.uploaded()
    for _ in range(3):
        assert await desk.claimed() == [made.document_id]
        await desk.ingest(made, failing(Unavailable("no room")))
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
    await desk.ingest(made, failing(RuntimeError("/var/lib/secret")))
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
    await desk.ingest(new, failing(DocumentUnreadable("broken")))
    assert (await desk.found(old)).state is IngestState.READY
    assert await desk.passages(old)


async def test_ingesting_again_leaves_one_set_of_passages(desk: Desk) -> None:
    made = await desk.uploaded()
    await desk.ingest(made)
    before = await desk.passages(made)
    await desk.ingest(made)
    assert await desk.passages(made) == before
