"""IngestDocument: a document that is deleted, lost to another process, or has lost its bytes."""

import pytest

from domain.documents.document import (
    DocumentNotFound,
    DocumentUnreadable,
    IngestState,
)
from domain.errors import Unavailable
from fixtures.ingesting import Desk, Hooked, failing


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
    await desk.ingest(made, failing(AssertionError("nobody reads it")), claimed=before)
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
