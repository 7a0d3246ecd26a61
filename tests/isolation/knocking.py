"""Sends a case through its door and says what came back, in the same words for every door."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, TypeAlias
from urllib.parse import quote

import grpc
import httpx
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no py.typed

from isolation.cases import Case, Door, Json, Request
from isolation.contract import Rpc

OK, UNIMPLEMENTED = "OK", "UNIMPLEMENTED"
_SECONDS = 20.0
Pairs: TypeAlias = list[tuple[str, str | int | float | bool | None]]
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64)
# What the harness itself would have done wrong, were it ever answered.
MISTAKES = frozenset(
    {
        *("PATH_UNKNOWN", "PATH_MALFORMED", "METHOD_NOT_ALLOWED", "BODY_MALFORMED"),
        *("CONTENT_TYPE_UNSUPPORTED", "HEADER_INVALID", "QUERY_INVALID"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`everything` are all bytes that came back, headers and trailers too; `seconds` took it."""

    status: str
    reason: str
    message: str
    everything: bytes
    seconds: float


class Visitor:
    """Knocks at both servers: `grpc_target` is host:port, `rest_url` an http URL."""

    def __init__(self, grpc_target: str, rest_url: str) -> None:
        self._target, self._url = grpc_target, rest_url
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        options = (("grpc.max_receive_message_length", -1),)
        channel = grpc.aio.insecure_channel(self._target, options=options)
        self._channel = await self._stack.enter_async_context(channel)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self._url, timeout=_SECONDS, limits=_LIMITS)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def knock(self, case: Case, token: str | None) -> Answer:
        """The answer to `case`, sent with an access token or without one."""
        headers = {}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if case.request.space is not None:
            headers["x-space-id"] = case.request.space
        begun = time.perf_counter()
        if case.door is Door.GRPC:
            said = await self._call(case.rpc, case.request, headers)
        else:
            said = await self._fetch(case.rpc, case.request, headers, sse=case.door is Door.SSE)
        status, reason, message, everything = said
        return Answer(
            status=status,
            reason=reason,
            message=message,
            everything=everything,
            seconds=time.perf_counter() - begun,
        )

    async def _call(
        self, rpc: Rpc, request: Request, headers: Mapping[str, str]
    ) -> tuple[str, str, str, bytes]:
        streams, answers = ("stream" if s else "unary" for s in (rpc.uploads, rpc.streams))
        # Any: what a call is depends on its RPC, and here it is every RPC in turn.
        make: Any = getattr(self._channel, f"{streams}_{answers}")
        stub = make(rpc.full, lambda message: message.SerializeToString(), lambda raw: raw)
        message = _message(rpc, request)
        call = stub(
            _upload(rpc, request) if rpc.uploads else message,
            metadata=tuple(headers.items()),
            timeout=_SECONDS,
        )
        try:
            body = b"\n".join([piece async for piece in call]) if rpc.streams else await call
            return OK, "", "", body + _raw(await call.initial_metadata())
        except grpc.aio.AioRpcError as error:
            return _of_rpc(error)

    async def _fetch(
        self, rpc: Rpc, request: Request, headers: Mapping[str, str], *, sse: bool
    ) -> tuple[str, str, str, bytes]:
        verb, path, query, body = _http_form(rpc, request)
        accept = "text/event-stream" if sse else "application/x-ndjson, application/json"
        response = await self._http.request(
            verb,
            path,
            params=query,
            headers={**headers, "accept": accept, "content-type": _content_type(rpc)},
            content=b"# Mine" if rpc.uploads else body,
        )
        raw = response.content + repr(sorted(response.headers.items())).encode()
        error = _error_of(response)
        if error is None:
            return OK, "", "", raw
        reason = next((d["reason"] for d in error["details"] if "reason" in d), "")
        return error["status"], reason, error["message"], raw


def _message(rpc: Rpc, request: Request) -> Message:
    message: Message = GetMessageClass(rpc.method.input_type)()
    return message if rpc.uploads else json_format.ParseDict(dict(request.fields), message)


async def _upload(rpc: Rpc, request: Request) -> AsyncIterator[Message]:
    kind = GetMessageClass(rpc.method.input_type)
    yield json_format.ParseDict({"metadata": _told(request)}, kind())
    yield kind(content=b"# Mine")


def _told(request: Request) -> dict[str, Json]:
    """What an upload says before its bytes."""
    told = request.fields.get("metadata", {"filename": "mine.md"})
    assert isinstance(told, Mapping)
    return dict(told)


def _of_rpc(error: grpc.aio.AioRpcError) -> tuple[str, str, str, bytes]:
    trailing: Any = error.trailing_metadata() or ()
    reason, info = "", error_details_pb2.ErrorInfo()
    for name, value in trailing:
        if name == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
                    reason = info.reason
    raw = _raw(error.initial_metadata()) + _raw(trailing)
    text = error.details() or ""
    return error.code().name, reason, text, raw + text.encode()


def _raw(metadata: Any) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for _, value in metadata or ()
    )


def _http_form(rpc: Rpc, request: Request) -> tuple[str, str, Pairs, bytes | None]:
    verb, path = rpc.route
    rest = dict(request.fields)
    for name in rpc.captures:
        path = path.replace(f"{{{name}}}", quote(str(rest.pop(name)), safe=""))
    if rpc.uploads:
        return verb, path, list(_query(_told(request))), None
    if verb in ("GET", "DELETE"):
        return verb, path, list(_query(rest)), None
    return verb, path, [], json.dumps(rest).encode()


def _query(fields: Mapping[str, Json]) -> Pairs:
    pairs: Pairs = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(one)) for one in values]
    return pairs


def _content_type(rpc: Rpc) -> str:
    return "application/octet-stream" if rpc.uploads else "application/json"


def _error_of(response: httpx.Response) -> dict[str, Any] | None:
    """The error of an answer; of a stream also the one that came after its first events."""
    if response.status_code >= 400:
        return dict(response.json()["error"])
    for line in reversed(response.text.splitlines()):
        text = line.removeprefix("data: ")
        if text.startswith('{"error":'):
            return dict(json.loads(text)["error"])
    return None
