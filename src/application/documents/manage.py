"""GetDocument, ListDocuments and DeleteDocument."""

from application.context import RequestContext
from application.ports.blob_store import BlobStore
from application.ports.document_store import DocumentStore
from domain.documents.document import Document
from domain.identifiers import DocumentId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Action


class ManageDocuments:
    def __init__(self, *, documents: DocumentStore, blobs: BlobStore) -> None:
        self._documents = documents
        self._blobs = blobs

    async def get(self, context: RequestContext, *, document_id: DocumentId) -> Document:
        """Raises DocumentNotFound."""
        return await self._documents.get(context.space_for(Action.READ), document_id)

    async def list(self, context: RequestContext, *, page: PageRequest) -> Page[Document]:
        """Documents, newest first."""
        return await self._documents.list(context.space_for(Action.READ), page)

    async def delete(self, context: RequestContext, *, document_id: DocumentId) -> None:
        """Rows first, bytes after: a crash between leaves bytes that nothing points to.

        Raises DocumentNotFound.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        await self._documents.delete(space, document_id)
        await self._blobs.delete(space, document_id)
