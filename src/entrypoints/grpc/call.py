"""What belongs to the call being served; set by the interceptors, read by the handlers."""

from contextvars import ContextVar

from application.context import Caller, RequestContext

_request: ContextVar[RequestContext] = ContextVar("request")
_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="-")


def request_context() -> RequestContext:
    """The authenticated context of this call."""
    return _request.get()


def set_request_context(context: RequestContext) -> None:
    """Called by the authentication interceptor alone."""
    _request.set(context)


def correlation_id() -> str:
    """This call's correlation id; '-' outside of any call."""
    return _correlation_id.get()


def set_correlation_id(value: str) -> None:
    """Called by the correlation interceptor alone."""
    _correlation_id.set(value)


def caller() -> Caller:
    """Where this call comes from."""
    return Caller(correlation_id=correlation_id())
