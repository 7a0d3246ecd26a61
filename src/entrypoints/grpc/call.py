"""What belongs to the call being served; set by the interceptors, read by the handlers."""

from contextvars import ContextVar

from application.context import Caller, RequestContext
from domain.identifiers import OrganizationId, UserId

Subject = tuple[UserId, OrganizationId | None]

_request: ContextVar[RequestContext | None] = ContextVar("request", default=None)
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
# A box, so that what a handler notes in a task of its own is seen by who waits for it.
_subject: ContextVar[list[Subject] | None] = ContextVar("subject", default=None)


def request_context() -> RequestContext:
    """The authenticated context of this call. Raises LookupError where no token is asked for."""
    context = _request.get()
    if context is None:
        raise LookupError("this call was not authenticated")
    return context


def known_context() -> RequestContext | None:
    """The authenticated context of this call, or None where no token is asked for."""
    return _request.get()


def set_request_context(context: RequestContext) -> None:
    """Called by the authentication interceptor alone."""
    _request.set(context)


def correlation_id() -> str:
    """This call's correlation id; '-' outside of any call."""
    return caller().correlation_id


def caller() -> Caller:
    """Where this call comes from."""
    return _caller.get() or Caller(correlation_id="-")


def set_caller(caller: Caller) -> None:
    """Called by the correlation interceptor alone."""
    _caller.set(caller)


def note_subject(user: UserId, organization: OrganizationId | None) -> None:
    """Tell the audit log who it was that a call without a token has let in, and where."""
    noted = _subject.get()
    if noted is not None:
        noted[:] = [(user, organization)]


def await_subject() -> list[Subject]:
    """A box for what `note_subject` will say; called by the audit interceptor alone."""
    box: list[Subject] = []
    _subject.set(box)
    return box
