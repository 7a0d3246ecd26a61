"""The part of DocumentService that takes files in several requests."""

from collections.abc import AsyncIterator

from application.documents.resumable import ResumableUploads
from domain.errors import ObeliskError
from domain.identifiers import UploadId
from entrypoints.grpc import convert_documents as documents
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import collection_of, uuid_of
from entrypoints.grpc.upload_streams import content_of, first_of, let_it_finish
from obelisk.v1 import document_pb2 as pb


class UploadsInParts:
    _uploads: ResumableUploads

    async def StartUpload(
        self, request: pb.StartUploadRequest, context: Context
    ) -> pb.StartUploadResponse:
        upload = await self._uploads.start(
            request_context(),
            filename=request.filename,
            collection=collection_of(request.collection),
            size_bytes=request.size_bytes,
        )
        return pb.StartUploadResponse(upload=documents.upload(upload))

    async def AppendUpload(
        self, request_iterator: AsyncIterator[pb.AppendUploadRequest], context: Context
    ) -> pb.AppendUploadResponse:
        try:
            part = (await first_of(request_iterator)).metadata
            upload = await self._uploads.append(
                request_context(),
                upload_id=_upload(part.upload_id),
                offset=part.offset,
                content=content_of(request_iterator),
            )
        except ObeliskError:
            await let_it_finish(request_iterator)
            raise
        return pb.AppendUploadResponse(upload=documents.upload(upload))

    async def GetUpload(
        self, request: pb.GetUploadRequest, context: Context
    ) -> pb.GetUploadResponse:
        upload = await self._uploads.get(request_context(), upload_id=_upload(request.upload_id))
        return pb.GetUploadResponse(upload=documents.upload(upload))

    async def FinishUpload(
        self, request: pb.FinishUploadRequest, context: Context
    ) -> pb.FinishUploadResponse:
        made = await self._uploads.finish(request_context(), upload_id=_upload(request.upload_id))
        return pb.FinishUploadResponse(document=documents.document(made))

    async def CancelUpload(
        self, request: pb.CancelUploadRequest, context: Context
    ) -> pb.CancelUploadResponse:
        await self._uploads.cancel(request_context(), upload_id=_upload(request.upload_id))
        return pb.CancelUploadResponse()


def _upload(text: str) -> UploadId:
    return UploadId(uuid_of(text, "upload_id"))
