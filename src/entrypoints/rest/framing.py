"""How a stream's messages look on the wire: server-sent events, or JSON lines."""

from collections.abc import Callable
from typing import Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from entrypoints.rest.encoding import Json, dump, encode
from entrypoints.rest.errors import HttpError, refused

LAST_EVENT_ID = "last-event-id"
CURSOR = "after_sequence"


class Framing(Protocol):
    """One stream's wire format. Each method gives the bytes to write; empty means nothing."""

    content_type: str

    def message(self, answer: Message) -> bytes: ...

    def error(self, error: HttpError) -> bytes:
        """An error that came after the headers."""
        ...

    def end(self) -> bytes:
        """The stream is whole."""
        ...

    def heartbeat(self) -> bytes: ...


class ServerSentEvents:
    """`id:` is the event's sequence, `event:` the set member of its oneof `kind`, `data:` its JSON.

    What counts as the event is read from the response type: its one message field, when that has a
    `sequence`; a message without it is a heartbeat, which is a comment and leaves `Last-Event-ID`
    as it was. Any other response is itself the data of an event named "message". `event: error`
    carries the error's JSON, and `event: end` says that there is no need to reconnect.
    """

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, response: Descriptor, encode_answer: Callable[[Message], Json]) -> None:
        event = event_field(response)
        self._event = event.name if event is not None else None
        inner = event.message_type if event is not None else None
        self._kind = "kind" if inner is not None and "kind" in inner.oneofs_by_name else None
        self._encode_answer = encode_answer

    def message(self, answer: Message) -> bytes:
        if self._event is None:
            return b"event: message\ndata: %b\n\n" % dump(self._encode_answer(answer))
        if not answer.HasField(self._event):
            return self.heartbeat()
        event = getattr(answer, self._event)
        name = (event.WhichOneof(self._kind) if self._kind else None) or "message"
        text = dump(encode(event))
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.sequence, name.encode(), text)

    def error(self, error: HttpError) -> bytes:
        return b"event: error\ndata: %b\n\n" % dump(error.body())

    def end(self) -> bytes:
        return b"event: end\ndata: {}\n\n"

    def heartbeat(self) -> bytes:
        return b": heartbeat\n\n"


class JsonLines:
    """`{"result": ...}` for each message, and as the last line `{"error": ...}` when it broke."""

    content_type = "application/x-ndjson"

    def __init__(self, encode_answer: Callable[[Message], Json]) -> None:
        self._encode_answer = encode_answer

    def message(self, answer: Message) -> bytes:
        return b'{"result":%b}\n' % dump(self._encode_answer(answer))

    def error(self, error: HttpError) -> bytes:
        return dump(error.body()) + b"\n"

    def end(self) -> bytes:
        return b""

    def heartbeat(self) -> bytes:
        return b"\n"


def event_field(response: Descriptor) -> FieldDescriptor | None:
    """The one message field of a streamed response that counts its events, if there is one."""
    counting = [
        field
        for field in response.fields
        if not field.is_repeated
        and field.message_type is not None
        and "sequence" in field.message_type.fields_by_name
    ]
    return counting[0] if len(counting) == 1 else None


def resume(request: Message, last_event_id: str) -> None:
    """Go on after the last event that the client has seen, when the RPC can.

    The header is newer than the URL it came with, so it wins. Raises HttpError (400).
    """
    if not last_event_id or CURSOR not in request.DESCRIPTOR.fields_by_name:
        return
    digits = last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) <= 19
    if not digits or int(last_event_id) >= 2**63:
        text = f"header Last-Event-ID: expected the number of an event, not {last_event_id[:40]!r}"
        raise refused(text, reason="HEADER_INVALID", field=CURSOR)
    setattr(request, CURSOR, int(last_event_id))
