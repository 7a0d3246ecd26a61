"""One table from the domain's kinds of error to gRPC's codes, with rich details."""

from collections.abc import Sequence

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no py.typed
from grpc import Status
from grpc_status import rpc_status

from domain import errors

_DOMAIN = "obelisk"
_CODES: tuple[tuple[type[errors.ObeliskError], int], ...] = (
    (errors.InvalidInput, code_pb2.INVALID_ARGUMENT),
    (errors.Unauthenticated, code_pb2.UNAUTHENTICATED),
    (errors.PermissionDenied, code_pb2.PERMISSION_DENIED),
    (errors.NotFound, code_pb2.NOT_FOUND),
    (errors.AlreadyExists, code_pb2.ALREADY_EXISTS),
    (errors.Conflict, code_pb2.ABORTED),
    (errors.FailedPrecondition, code_pb2.FAILED_PRECONDITION),
    (errors.OutOfRange, code_pb2.OUT_OF_RANGE),
    (errors.QuotaExceeded, code_pb2.RESOURCE_EXHAUSTED),
    (errors.Unavailable, code_pb2.UNAVAILABLE),
)


def status_of(error: errors.ObeliskError, correlation_id: str) -> Status:
    """The status of a known error: message, reason, the field it is about, when to try again."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=_DOMAIN, metadata=error.metadata)
    ]
    if error.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message, reason=error.reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if (seconds := error.metadata.get("retry_after_seconds", "")).isdigit():
        wait = duration_pb2.Duration(seconds=int(seconds))
        details.append(error_details_pb2.RetryInfo(retry_delay=wait))
    return _status(_code(error), error.message, [*details, _request(correlation_id)])


def internal_status(correlation_id: str) -> Status:
    """The status of anything unforeseen: the correlation id and nothing else."""
    message = f"internal error; give support the correlation id {correlation_id}"
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=_DOMAIN)
    return _status(code_pb2.INTERNAL, message, [info, _request(correlation_id)])


def deadline_status(correlation_id: str) -> Status:
    """The status of a call that ran out of the time that it was given."""
    info = error_details_pb2.ErrorInfo(reason="DEADLINE_EXCEEDED", domain=_DOMAIN)
    message = "the call ran out of the time it was given"
    return _status(code_pb2.DEADLINE_EXCEEDED, message, [info, _request(correlation_id)])


def _code(error: errors.ObeliskError) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), code_pb2.UNKNOWN)


def _request(correlation_id: str) -> error_details_pb2.RequestInfo:
    return error_details_pb2.RequestInfo(request_id=correlation_id)


def _status(code: int, message: str, details: Sequence[Message]) -> Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return rpc_status.to_status(status_pb2.Status(code=code, message=message, details=packed))
