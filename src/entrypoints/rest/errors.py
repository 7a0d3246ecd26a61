"""Errors as REST callers read them: one shape, whoever found the error.

`{"error": {"code": 404, "status": "NOT_FOUND", "message": "...", "details": [...]}}`: the details
are google.rpc messages (ErrorInfo, BadRequest, RetryInfo ...) in proto3 JSON with their `@type`.
"""

import base64
import logging
import math
from collections.abc import Iterable, Mapping

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no py.typed

from entrypoints.rest.encoding import Json, encode

logger = logging.getLogger(__name__)

DOMAIN = "obelisk"
HTTP_STATUS: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
}
# Without details such a status comes from a library, and its text describes our machines.
_UNTOLD: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.UNKNOWN: "something went wrong on our side",
    grpc.StatusCode.INTERNAL: "something went wrong on our side",
    grpc.StatusCode.DATA_LOSS: "something went wrong on our side",
    grpc.StatusCode.UNAVAILABLE: "the service cannot be reached now; try again",
    grpc.StatusCode.DEADLINE_EXCEEDED: "the answer took longer than the deadline",
}


class HttpError(Exception):
    """What the caller gets instead of an answer. `message` is safe to show."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        details: Iterable[Message] = (),
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = list(details)
        self.http_status = http_status or HTTP_STATUS[code]
        self.headers = {**(headers or {}), **_implied_headers(code, self.details)}

    def body(self) -> Json:
        return {
            "error": {
                "code": self.http_status,
                "status": self.code.name,
                "message": self.message,
                "details": [_detail(detail) for detail in self.details],
            }
        }


def refused(
    message: str,
    *,
    reason: str = "INVALID_INPUT",
    field: str | None = None,
    code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT,
    http_status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpError:
    """An error that this door finds itself, in the shape that the server's own errors have."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)]
    if field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    return HttpError(code, message, details=details, http_status=http_status, headers=headers)


def too_large(limit: int) -> HttpError:
    message = f"the body is larger than {limit} bytes"
    return refused(message, reason="BODY_TOO_LARGE", http_status=413)


def unsupported_content(message: str) -> HttpError:
    return refused(message, reason="CONTENT_TYPE_UNSUPPORTED", http_status=415)


def from_rpc(error: grpc.aio.AioRpcError) -> HttpError:
    """The server's status with its details; texts of libraries are logged and not shown."""
    code, message = error.code(), error.details() or ""
    details = _status_details(error)
    if not details and code in _UNTOLD:
        logger.warning("the gRPC server answered %s: %s", code.name, message)
        message = _UNTOLD[code]
    return HttpError(code, message, details=details)


def _status_details(error: grpc.aio.AioRpcError) -> list[AnyMessage]:
    trailing: grpc.aio.Metadata = error.trailing_metadata()  # type: ignore[assignment]  # stub
    for name, packed in trailing or ():
        if name == "grpc-status-details-bin" and isinstance(packed, bytes):
            return _unpack(packed)
    return []


def _unpack(packed: bytes) -> list[AnyMessage]:
    try:
        return list(status_pb2.Status.FromString(packed).details)
    except DecodeError:
        logger.warning("a status came with details that do not parse")
        return []


def _detail(detail: Message) -> Json:
    packed = detail if isinstance(detail, AnyMessage) else AnyMessage()
    if packed is not detail:
        packed.Pack(detail)
    try:
        return encode(packed)
    except (TypeError, DecodeError):  # a type that this process does not know
        return {"@type": packed.type_url, "value": base64.b64encode(packed.value).decode()}


def _implied_headers(code: grpc.StatusCode, details: Iterable[Message]) -> dict[str, str]:
    headers = {"www-authenticate": "Bearer"} if code is grpc.StatusCode.UNAUTHENTICATED else {}
    retry = error_details_pb2.RetryInfo()
    for detail in details:
        if isinstance(detail, AnyMessage) and detail.Is(retry.DESCRIPTOR) and detail.Unpack(retry):
            seconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
            headers["retry-after"] = str(max(0, math.ceil(seconds)))
    return headers
