"""A small client: what another service needs to ask agents and to feed them documents.

async with ObeliskClient("127.0.0.1:50051", token=token, space_id=space) as client:
    async for event in client.ask("email", "Write our spring newsletter."):
        print(event.token_batch.text, end="")
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from types import TracebackType

import grpc
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no py.typed

from obelisk.v1 import (
    agent_pb2_grpc,
    audit_pb2_grpc,
    auth_pb2_grpc,
    conversation_pb2_grpc,
    document_pb2,
    document_pb2_grpc,
    member_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    tenancy_pb2_grpc,
)

_PIECE_BYTES = 256 * 1024
_POLL_SECONDS = 0.1
_RECONNECT_SECONDS = 0.2
_RECONNECTS = 50
_FINAL = (document_pb2.INGEST_STATE_READY, document_pb2.INGEST_STATE_FAILED)

Metadata = tuple[tuple[str, str], ...]


class ObeliskClient:
    """One connection. `token` may be a function, called for each request, so that it can renew."""

    def __init__(
        self, target: str, *, token: str | Callable[[], str], space_id: str | None = None
    ) -> None:
        self._channel = grpc.aio.insecure_channel(target)
        self._token = token
        self.space_id = space_id
        self.auth: auth_pb2_grpc.AuthServiceAsyncStub = auth_pb2_grpc.AuthServiceStub(self._channel)
        self.audit: audit_pb2_grpc.AuditServiceAsyncStub = audit_pb2_grpc.AuditServiceStub(
            self._channel
        )
        self.agents: agent_pb2_grpc.AgentServiceAsyncStub = agent_pb2_grpc.AgentServiceStub(
            self._channel
        )
        self.conversations: conversation_pb2_grpc.ConversationServiceAsyncStub = (
            conversation_pb2_grpc.ConversationServiceStub(self._channel)
        )
        self.documents: document_pb2_grpc.DocumentServiceAsyncStub = (
            document_pb2_grpc.DocumentServiceStub(self._channel)
        )
        self.members: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(
            self._channel
        )
        self.runs: run_pb2_grpc.RunServiceAsyncStub = run_pb2_grpc.RunServiceStub(self._channel)
        self.tenancy: tenancy_pb2_grpc.TenancyServiceAsyncStub = (
            tenancy_pb2_grpc.TenancyServiceStub(self._channel)
        )

    async def __aenter__(self) -> "ObeliskClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._channel.close(None)

    @property
    def metadata(self) -> Metadata:
        """The headers of a request: who asks, and in which space."""
        token = self._token if isinstance(self._token, str) else self._token()
        headers = (("authorization", f"Bearer {token}"),)
        return (*headers, ("x-space-id", self.space_id)) if self.space_id else headers

    async def ask(
        self,
        agent: str,
        question: str,
        *,
        conversation_id: str = "",
        document_ids: Sequence[str] = (),
        request_id: str = "",
    ) -> AsyncGenerator[run_pb2.RunEvent]:
        """Start a run and yield its events to the last, also over a lost connection.

        Leaving early does not stop the run. Raises grpc.aio.AioRpcError.
        """
        request = run_pb2.StartRunRequest(
            agent=agent,
            question=question,
            conversation_id=conversation_id,
            document_ids=document_ids,
            request_id=request_id,
        )
        run_id, sequence = "", 0
        try:
            async for started in self.runs.StartRun(request, metadata=self.metadata):
                run_id, sequence = run_id or started.event.queued.run_id, started.event.sequence
                yield started.event
                if started.event.HasField("completed"):
                    return
        except grpc.aio.AioRpcError as error:
            if not run_id or not self._passing(error):
                raise
        async for event in self.watch(run_id, after_sequence=sequence):
            yield event

    async def watch(
        self, run_id: str, *, after_sequence: int = 0
    ) -> AsyncGenerator[run_pb2.RunEvent]:
        """Yield a run's events above a sequence, each once, also over a lost connection."""
        tries = 0
        while True:
            request = run_pb2.WatchRunRequest(run_id=run_id, after_sequence=after_sequence)
            try:
                async for watched in self.runs.WatchRun(request, metadata=self.metadata):
                    after_sequence, tries = watched.event.sequence, 0
                    yield watched.event
                return
            except grpc.aio.AioRpcError as error:
                tries += 1
                if not self._passing(error) or tries > _RECONNECTS:
                    raise
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def upload(
        self,
        filename: str,
        content: bytes,
        collection: document_pb2.Collection.ValueType = document_pb2.COLLECTION_UNSPECIFIED,
    ) -> document_pb2.Document:
        """Send a document; it is kept when this returns, and searchable once it is READY."""

        async def parts() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
            metadata = document_pb2.DocumentMetadata(
                filename=filename, collection=collection, size_bytes=len(content)
            )
            yield document_pb2.UploadDocumentRequest(metadata=metadata)
            for start in range(0, len(content), _PIECE_BYTES):
                piece = content[start : start + _PIECE_BYTES]
                yield document_pb2.UploadDocumentRequest(content=piece)

        answer = await self.documents.UploadDocument(parts(), metadata=self.metadata)
        return answer.document

    async def ingestion(self, document_id: str) -> AsyncGenerator[document_pb2.Document]:
        """Yield the document whenever its state changes, to READY or FAILED."""
        state: document_pb2.IngestState.ValueType | None = None
        request = document_pb2.GetDocumentRequest(document_id=document_id)
        while state not in _FINAL:
            answer = await self.documents.GetDocument(request, metadata=self.metadata)
            if answer.document.state != state:
                state = answer.document.state
                yield answer.document
            else:
                await asyncio.sleep(_POLL_SECONDS)

    def _passing(self, error: grpc.aio.AioRpcError) -> bool:
        """Whether the connection was lost, rather than the request refused.

        A stream also ends with its token's time; who can get another token goes on with that.
        """
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return callable(self._token) and _reason(error) == "TOKEN_EXPIRED"
        return error.code() is grpc.StatusCode.UNAVAILABLE


def _reason(error: grpc.aio.AioRpcError) -> str:
    """The `ErrorInfo.reason` of a refusal; empty when it has none."""
    status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
    trailing: grpc.aio.Metadata = error.trailing_metadata()  # type: ignore[assignment]  # stub
    for name, packed in trailing or ():
        if name == "grpc-status-details-bin" and isinstance(packed, bytes):
            status.ParseFromString(packed)
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""
