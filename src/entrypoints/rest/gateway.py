"""The REST door: finds the route of a request, lets its handler answer, and shapes every error."""

import logging
from collections.abc import Sequence
from urllib.parse import quote

import grpc
from starlette.types import Receive, Scope, Send

from entrypoints.relay import Relay
from entrypoints.rest.bodies import Body, ClientGone
from entrypoints.rest.calls import Exchange, Handler, handler_for
from entrypoints.rest.errors import HttpError, refused
from entrypoints.rest.headers import RequestHeaders, peek_correlation_id, read_headers
from entrypoints.rest.limits import Limits
from entrypoints.rest.origin import origin_of
from entrypoints.rest.query import parse_query
from entrypoints.rest.reply import Reply
from entrypoints.rest.routes import Route, RouteTree
from entrypoints.rest.templates import PathError, split_path

logger = logging.getLogger(__name__)
DISCARD_SECONDS = 5.0


class Gateway:
    """An ASGI application for the routes of the contract, over one channel."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        routes: Sequence[Route],
        limits: Limits,
        *,
        relay: Relay | None,
        trusted_proxies: int,
    ) -> None:
        self._relay, self._trusted_proxies = relay, trusted_proxies
        self._tree = RouteTree(routes)
        self._handlers: dict[int, Handler] = {
            id(route): handler_for(route, channel, limits) for route in routes
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        reply = Reply(send, peek_correlation_id(scope["headers"]))
        body = Body(receive, scope["headers"])
        try:
            headers = self._headers(scope, reply)
            await self._serve(scope, headers, body, receive, reply)
        except ClientGone:
            logger.info("the client left before its answer", extra={"path": scope["path"]})
        except HttpError as error:
            await _refuse(reply, error, body)
        except Exception:
            logger.exception("unforeseen, correlation id %s", reply.correlation_id)
            if reply.started:
                raise
            await _refuse(reply, _unforeseen(), body)

    def _headers(self, scope: Scope, reply: Reply) -> RequestHeaders:
        headers = read_headers(scope["headers"], reply.correlation_id)
        if self._relay is None:
            return headers
        origin = origin_of(scope, self._trusted_proxies)
        return headers.speaking_for(self._relay.metadata(origin))

    async def _serve(
        self, scope: Scope, headers: RequestHeaders, body: Body, receive: Receive, reply: Reply
    ) -> None:
        raw_path = _raw_path(scope)
        segments, verb = split_path(raw_path)
        try:
            found = self._tree.find(segments, verb)
            route = _choose(found, scope["method"], raw_path)
            captured = route.template.capture(segments)
        except PathError as error:
            raise refused(str(error), reason="PATH_MALFORMED") from None
        exchange = Exchange(
            headers=headers,
            captured=captured,
            query=parse_query(scope["query_string"]),
            body=body,
            receive=receive,
            reply=reply,
        )
        await self._handlers[id(route)](exchange)


def _raw_path(scope: Scope) -> str:
    """The path as sent: an escaped slash or colon is data, a bare one is structure."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe="/:@!$&'()*+,;=~")
    return path.partition("?")[0].removeprefix(scope.get("root_path", ""))


def _choose(found: dict[str, Route], method: str, path: str) -> Route:
    route = found.get(method)
    if route is not None:
        return route
    if not found:
        raise refused(
            f"there is nothing at {path[:200]}",
            reason="PATH_UNKNOWN",
            code=grpc.StatusCode.NOT_FOUND,
        )
    allowed = ", ".join(sorted(found))
    raise refused(
        f"{path[:200]} takes {allowed}, not {method[:20]}",
        reason="METHOD_NOT_ALLOWED",
        code=grpc.StatusCode.UNIMPLEMENTED,
        http_status=405,
        headers={"allow": allowed},
    )


def _unforeseen() -> HttpError:
    text = "something went wrong on our side"
    return refused(text, reason="INTERNAL", code=grpc.StatusCode.INTERNAL)


async def _refuse(reply: Reply, error: HttpError, body: Body) -> None:
    if not body.unread:
        await reply.error(error)
        return
    # A caller who is still sending would see a reset connection instead of the answer.
    error.headers["connection"] = "close"
    await reply.error(error, more=True)
    await body.discard(DISCARD_SECONDS)
    await reply.write(b"", more=False)
