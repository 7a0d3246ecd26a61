"""ManageDocuments: who may see and delete a document, and what goes with it."""

from dataclasses import replace

import pytest

from application.documents.manage import ManageDocuments
from domain.documents.document import (
    DocumentNotFound,
)
from domain.identifiers import SpaceId
from domain.paging import PageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import context_of
from fixtures.ingesting import Desk


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
