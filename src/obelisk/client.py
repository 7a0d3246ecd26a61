"""A small client: what another service needs to ask agents and to feed them documents.

async with ObeliskClient("127.0.0.1:50051", token=token, space_id=space) as client:
    async for event in client.ask("email", "Write our spring newsletter."):
        print(event.token_batch.text, end="")
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TypeAlias
from uuid import uuid4

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
    search_pb2_grpc,
    tenancy_pb2_grpc,
)

_PIECE_BYTES = 256 * 1024
_POLL_SECONDS = 0.1
# Three heartbeats that did not come: the connection is dead, whatever it looks like.
_SILENCE_SECONDS = 45.0
_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 2.0
_PATIENCE_SECONDS = 60.0
# Without these a connection that died silently would take new calls for many minutes.
_OPTIONS = (("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 10_000))
_FINAL = (document_pb2.INGEST_STATE_READY, document_pb2.INGEST_STATE_FAILED)

Metadata = tuple[tuple[str, str], ...]
_Stream: TypeAlias = (
    "grpc.aio.UnaryStreamCall[run_pb2.StartRunRequest, run_pb2.StartRunResponse]"
    " | grpc.aio.UnaryStreamCall[run_pb2.WatchRunRequest, run_pb2.WatchRunResponse]"
)


class StreamSilent(Exception):
    """A stream stayed open and said nothing, for longer than a server that is alive does."""


class ObeliskClient:
    """One connection. `token` may be a function, called for each request, so that it can renew."""

    def __init__(
        self,
        target: str,
        *,
        token: str | Callable[[], str],
        space_id: str | None = None,
        silence_seconds: float = _SILENCE_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """A stream that says nothing for `silence_seconds`, not even that it is alive, is opened
        anew, and so is one that is lost, until that has failed for `patience_seconds`.
        """
        self._channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self._token = token
        self._silence_seconds = silence_seconds
        self._patience_seconds = patience_seconds
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
        self.search: search_pb2_grpc.SearchServiceAsyncStub = search_pb2_grpc.SearchServiceStub(
            self._channel
        )
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
        double_text: run_pb2.DoubleText.ValueType = run_pb2.DOUBLE_TEXT_UNSPECIFIED,
        require_approval: bool = False,
    ) -> AsyncGenerator[run_pb2.RunEvent]:
        """Start a run, once, and yield its events to the last, also over a lost connection.

        One that is lost before anything was heard of the run asks again under the same
        `request_id`, which is made here when none is given: the server knows then whether it has
        the run already. `double_text` says what becomes of an answer on its way.

        Leaving early does not stop the run. `obelisk.draft` makes the answer of the events. With
        `require_approval` they stop for a while at `paused`, until somebody answers by ResumeRun.

        Raises grpc.aio.AioRpcError and StreamSilent; see `watch`.
        """
        request = run_pb2.StartRunRequest(
            agent=agent,
            question=question,
            conversation_id=conversation_id,
            document_ids=document_ids,
            request_id=request_id or str(uuid4()),
            double_text=double_text,
            require_approval=require_approval,
        )
        run_id, sequence, retry = "", 0, _Retry(self._patience_seconds)
        while not run_id:
            try:
                call = self.runs.StartRun(request, metadata=self.metadata)
                async with aclosing(self._told(call)) as events:
                    async for event in events:
                        if event is None:
                            continue
                        run_id, sequence = run_id or event.queued.run_id, event.sequence
                        yield event
                        if event.HasField("completed"):
                            return
                break
            except grpc.aio.AioRpcError as error:
                if not self._passing(error) or not (run_id or await retry.later()):
                    raise
            except StreamSilent:
                if not (run_id or await retry.later()):
                    raise
        async with aclosing(self.watch(run_id, after_sequence=sequence)) as events:
            async for event in events:
                yield event

    async def watch(
        self, run_id: str, *, after_sequence: int = 0
    ) -> AsyncGenerator[run_pb2.RunEvent]:
        """Yield a run's events above a sequence, each once, also over a lost connection.

        Raises:
            grpc.aio.AioRpcError: the request was refused, or nobody answered for long.
            StreamSilent: the server answered nothing for as long, not even a heartbeat.
        """
        retry, heard = _Retry(self._patience_seconds), False
        while True:
            request = run_pb2.WatchRunRequest(run_id=run_id, after_sequence=after_sequence)
            try:
                call = self.runs.WatchRun(request, metadata=self.metadata)
                async with aclosing(self._told(call)) as events:
                    async for event in events:
                        if event is not None:
                            after_sequence = event.sequence
                            yield event
                        retry, heard = _Retry(self._patience_seconds), True
                return
            except grpc.aio.AioRpcError as error:
                # Its own lost connection may hold the place that it asks for.
                passing = self._passing(error) or (heard and _reason(error) == "TOO_MANY_WATCHERS")
                if not passing or not await retry.later():
                    raise
            except StreamSilent:
                if not await retry.later():
                    raise

    async def _told(self, call: _Stream) -> AsyncGenerator[run_pb2.RunEvent | None]:
        """The events of a stream, None for a heartbeat. Ends the call, however it is left."""
        try:
            while True:
                try:
                    async with asyncio.timeout(self._silence_seconds):
                        told = await call.read()
                except TimeoutError:
                    raise StreamSilent from None
                if not isinstance(told, run_pb2.StartRunResponse | run_pb2.WatchRunResponse):
                    return
                yield told.event if told.HasField("event") else None
        finally:
            call.cancel()

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
        """Yield the document whenever it has come further, to READY or FAILED."""
        state: document_pb2.IngestState.ValueType | None = None
        done = 0
        request = document_pb2.GetDocumentRequest(document_id=document_id)
        while state not in _FINAL:
            answer = await self.documents.GetDocument(request, metadata=self.metadata)
            if (answer.document.state, answer.document.stage_done) != (state, done):
                state, done = answer.document.state, answer.document.stage_done
                yield answer.document
            else:
                await asyncio.sleep(_POLL_SECONDS)

    def _passing(self, error: grpc.aio.AioRpcError) -> bool:
        """Whether the connection was lost, rather than the request refused.

        A stream also ends with its token's time; who can get another token goes on with that. A
        server that is stopped cancels what it has no time to end; a call that is cancelled here
        raises another error.
        """
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return callable(self._token) and _reason(error) == "TOKEN_EXPIRED"
        return error.code() in _LOST


class _Retry:
    """Waits between tries: longer each time, until patience is used up since the first."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._failed_at: float | None = None
        self._wait = _FIRST_WAIT_SECONDS

    async def later(self) -> bool:
        """Wait for the next try; False when there is no point."""
        now = asyncio.get_running_loop().time()
        self._failed_at = now if self._failed_at is None else self._failed_at
        if now - self._failed_at >= self._patience_seconds:
            return False
        # Not all at once: many lose the same server in the same moment.
        await asyncio.sleep(self._wait * random.uniform(0.5, 1))  # noqa: S311 - no secret
        self._wait = min(2 * self._wait, _LONGEST_WAIT_SECONDS)
        return True


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
