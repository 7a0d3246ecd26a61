"""DocumentService on the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from application.documents.add_url import AddUrl
from application.documents.findings import DocumentFindings
from application.documents.manage import ManageDocuments
from application.documents.upload import UploadDocument
from application.documents.watch import WatchDocument
from domain.errors import InvalidInput, ObeliskError
from domain.identifiers import DocumentId
from domain.paging import numbered_page_request, page_request
from entrypoints.grpc import convert
from entrypoints.grpc import convert_documents as documents
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import collection_of, uuid_of
from entrypoints.grpc.url_documents import UrlDocuments
from obelisk.v1 import document_pb2 as pb
from obelisk.v1 import document_pb2_grpc

_DISCARD_SECONDS = 10.0
# How long the news of a cancellation may take behind the end of the stream that it ended.
_CANCELLATION_SECONDS = 0.05


class DocumentService(UrlDocuments, document_pb2_grpc.DocumentServiceServicer):
    def __init__(
        self,
        *,
        upload: UploadDocument,
        add_url: AddUrl,
        documents: ManageDocuments,
        watch: WatchDocument,
        findings: DocumentFindings,
    ) -> None:
        self._upload = upload
        self._add_url = add_url
        self._documents = documents
        self._watch = watch
        self._findings = findings

    async def UploadDocument(
        self, request_iterator: AsyncIterator[pb.UploadDocumentRequest], context: Context
    ) -> pb.UploadDocumentResponse:
        try:
            metadata = await _metadata(request_iterator)
            document = await self._upload(
                request_context(),
                filename=metadata.filename,
                collection=collection_of(metadata.collection),
                expected_bytes=metadata.size_bytes or None,
                content=_content(request_iterator),
            )
        except ObeliskError:
            await _let_it_finish(request_iterator)
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


async def _metadata(requests: AsyncIterator[pb.UploadDocumentRequest]) -> pb.DocumentMetadata:
    async for request in requests:
        if request.WhichOneof("part") == "metadata":
            return request.metadata
        break
    raise InvalidInput("the first message of an upload holds its metadata", field="metadata")


async def _content(requests: AsyncIterator[pb.UploadDocumentRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("part") != "content":
            raise InvalidInput("after the first message, send content only", field="content")
        yield request.content
    # A cancelled upload ends its stream like a whole one: let the cancellation arrive first.
    await asyncio.sleep(_CANCELLATION_SECONDS)


async def _let_it_finish(requests: AsyncIterator[pb.UploadDocumentRequest]) -> None:
    """Discard what is still being sent: cut off in mid-send, a client never hears the reason."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for _ in requests:
                pass


def _document(text: str) -> DocumentId:
    return DocumentId(uuid_of(text, "document_id"))
