"""Request bodies: read within bounds, and parsed as strict JSON."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from email.message import Message as EmailMessage

from starlette.types import Receive

from entrypoints.rest.encoding import Json
from entrypoints.rest.errors import HttpError, refused, too_large, unsupported_content


class ClientGone(Exception):
    """The caller has left; there is nobody to answer."""


class Body:
    """A request's body on its way in; `pieces`, `read_json` or `refuse` it, once."""

    __slots__ = ("_declared", "_encoding", "_receive", "content_type", "unread")

    def __init__(self, receive: Receive, headers: Iterable[tuple[bytes, bytes]]) -> None:
        told = {name: value.decode("latin-1") for name, value in headers}
        self._receive = receive
        self._declared = told.get(b"content-length", "")
        self._encoding = told.get(b"content-encoding", "").lower()
        self.content_type = told.get(b"content-type", "")
        self.unread = self._declared not in ("", "0") or b"transfer-encoding" in told

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises HttpError (413 above `limit` bytes, 415), ClientGone."""
        if self._encoding not in ("", "identity"):
            raise unsupported_content("Content-Encoding: send the body uncompressed")
        if self._declared.isdecimal() and int(self._declared) > limit:
            raise too_large(limit)
        size, more = 0, True
        while more:
            piece, more = await self._next()
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            if piece:
                yield piece

    async def read_json(self, limit: int) -> Json:
        """The JSON value; an empty body is an empty object. Raises HttpError (400, 413, 415)."""
        body = b"".join([piece async for piece in self.pieces(limit)])
        if not body:
            return {}
        _check_json_type(self.content_type)
        return parse_json(body)

    async def refuse(self) -> None:
        """Raises HttpError (400) when there is a body where the contract has none."""
        if self.unread:
            async for _ in self.pieces(1 << 16):
                text = "this method takes no body; use the query"
                raise refused(text, reason="BODY_UNEXPECTED")

    async def discard(self, seconds: float) -> None:
        """Read away what is left, so that a caller who is still sending gets to read its answer."""
        with contextlib.suppress(ClientGone, TimeoutError):
            async with asyncio.timeout(seconds):
                while self.unread:
                    await self._next()

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.unread = False
            raise ClientGone
        self.unread = message.get("more_body", False)
        return message.get("body", b""), self.unread


def _check_json_type(content_type: str) -> None:
    header = EmailMessage()
    header["content-type"] = content_type or "application/octet-stream"
    media_type, charset = header.get_content_type(), header.get_content_charset("utf-8")
    if media_type != "application/json" and not media_type.endswith("+json"):
        given = f"not {media_type}" if content_type else "and say so"
        raise unsupported_content(f"send JSON as Content-Type: application/json, {given}")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported_content("send JSON in UTF-8")


def parse_json(body: bytes) -> Json:
    """Strict JSON. Raises HttpError (400) that says where it breaks."""
    try:
        value: Json = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _malformed("nested too deeply") from None
    except ValueError as error:
        raise _malformed(str(error)) from None
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {json.dumps(twice[:100])} comes twice in one object")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(f'{name} is no JSON; as a number write it in quotes: "{name}"')


def _malformed(what: str) -> HttpError:
    return refused(f"the body is not valid JSON: {what}", reason="BODY_MALFORMED")
