"""DocumentService on the wire."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from application.documents.add_url import AddUrl
from application.documents.findings import DocumentFindings
from application.documents.manage import ManageDocuments
from application.documents.resumable import ResumableUploads
from application.documents.upload import UploadDocument
from application.documents.watch import WatchDocument
from domain.errors import ObeliskError
from domain.identifiers import DocumentId
from domain.paging import numbered_page_request, page_request
from entrypoints.grpc import convert
from entrypoints.grpc import convert_documents as documents
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import collection_of, uuid_of
from entrypoints.grpc.resumable_uploads import UploadsInParts
from entrypoints.grpc.upload_streams import content_of, first_of, let_it_finish
from entrypoints.grpc.url_documents import UrlDocuments
from obelisk.v1 import document_pb2 as pb
from obelisk.v1 import document_pb2_grpc


class DocumentService(UrlDocuments, UploadsInParts, document_pb2_grpc.DocumentServiceServicer):
    def __init__(
        self,
        *,
        upload: UploadDocument,
        uploads: ResumableUploads,
        add_url: AddUrl,
        documents: ManageDocuments,
        watch: WatchDocument,
        findings: DocumentFindings,
    ) -> None:
        self._upload = upload
        self._uploads = uploads
        self._add_url = add_url
        self._documents = documents
        self._watch = watch
        self._findings = findings

    async def UploadDocument(
        self, request_iterator: AsyncIterator[pb.UploadDocumentRequest], context: Context
    ) -> pb.UploadDocumentResponse:
        try:
            metadata = (await first_of(request_iterator)).metadata
            document = await self._upload(
                request_context(),
                filename=metadata.filename,
                collection=collection_of(metadata.collection),
                expected_bytes=metadata.size_bytes or None,
                content=content_of(request_iterator),
            )
        except ObeliskError:
            await let_it_finish(request_iterator)
            raise
        return pb.UploadDocumentResponse(document=documents.document(document))

    async def WatchDocument(
        self, request: pb.WatchDocumentRequest, context: Context
    ) -> AsyncIterator[pb.WatchDocumentResponse]:
        watched = self._watch(request_context(), document_id=_document(request.document_id))
        async with aclosing(watched) as told:
            async for item in told:
                yield documents.watched(item)

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Context
    ) -> pb.GetDocumentResponse:
        found = await self._documents.get(
            request_context(), document_id=_document(request.document_id)
        )
        return pb.GetDocumentResponse(document=documents.document(found))

    async def ListDocuments(
        self, request: pb.ListDocumentsRequest, context: Context
    ) -> pb.ListDocumentsResponse:
        page = page_request(request.page_size, request.page_token)
        found = await self._documents.list(request_context(), page=page)
        return pb.ListDocumentsResponse(
            documents=[documents.document(item) for item in found.items],
            next_page_token=convert.page_token(found.next_after),
        )

    async def DeleteDocument(
        self, request: pb.DeleteDocumentRequest, context: Context
    ) -> pb.DeleteDocumentResponse:
        await self._documents.delete(request_context(), document_id=_document(request.document_id))
        return pb.DeleteDocumentResponse()

    async def ListDocumentFindings(
        self, request: pb.ListDocumentFindingsRequest, context: Context
    ) -> pb.ListDocumentFindingsResponse:
        found, last = await self._findings.list(
            request_context(),
            document_id=_document(request.document_id),
            page=numbered_page_request(request.page_size, request.page_token),
        )
        return pb.ListDocumentFindingsResponse(
            findings=[documents.finding(item) for item in found],
            next_page_token=str(last) if last is not None else "",
        )

    async def DecideDocumentFinding(
        self, request: pb.DecideDocumentFindingRequest, context: Context
    ) -> pb.DecideDocumentFindingResponse:
        finding = await self._findings.decide(
            request_context(),
            document_id=_document(request.document_id),
            ordinal=request.ordinal,
            decision=documents.decision_of(request.decision),
        )
        return pb.DecideDocumentFindingResponse(finding=documents.finding(finding))


def _document(text: str) -> DocumentId:
    return DocumentId(uuid_of(text, "document_id"))
