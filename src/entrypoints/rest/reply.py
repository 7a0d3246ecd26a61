"""One answer on its way out."""

from collections.abc import Iterable, Mapping

from starlette.types import Send

from entrypoints.rest.encoding import Json, dump
from entrypoints.rest.errors import HttpError
from entrypoints.rest.headers import CORRELATION


class Reply:
    """Wraps `send`; every answer carries the correlation id and is never cached."""

    __slots__ = ("_send", "correlation_id", "started")

    def __init__(self, send: Send, correlation_id: str) -> None:
        self._send = send
        self.correlation_id = correlation_id
        self.started = False

    def adopt(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> None:
        """Answer with the correlation id that the server used, when its metadata tells one."""
        for name, value in metadata or ():
            if name == CORRELATION and isinstance(value, str):
                self.correlation_id = value

    async def start(self, status: int, content_type: str, extra: Mapping[str, str]) -> None:
        """Send status and headers, once."""
        self.started = True
        headers = [
            (b"content-type", content_type.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (CORRELATION.encode(), self.correlation_id.encode("latin-1")),
            *((name.encode(), value.encode("latin-1")) for name, value in extra.items()),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, piece: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def json(
        self,
        status: int,
        value: Json,
        extra: Mapping[str, str] | None = None,
        *,
        more: bool = False,
    ) -> None:
        """A whole JSON answer. With `more` the caller ends it, by an empty last piece."""
        body = dump(value)
        await self.start(
            status, "application/json", {"content-length": str(len(body)), **(extra or {})}
        )
        await self.write(body, more=more)

    async def error(self, error: HttpError, *, more: bool = False) -> None:
        await self.json(error.http_status, error.body(), error.headers, more=more)
