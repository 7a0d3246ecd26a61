"""The part of DocumentService that reads from the web."""

from application.documents.add_url import AddUrl
from entrypoints.grpc import convert_documents as documents
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from obelisk.v1 import document_pb2 as pb


class UrlDocuments:
    _add_url: AddUrl

    async def AddUrlDocument(
        self, request: pb.AddUrlDocumentRequest, context: Context
    ) -> pb.AddUrlDocumentResponse:
        added = await self._add_url(request_context(), url=request.url)
        return pb.AddUrlDocumentResponse(document=documents.document(added))
