"""The REST application: the whole contract over one loopback channel to the gRPC server.

Every call goes through the server's own interceptors, so one chain authorises every transport.
"""

from collections.abc import Sequence
from importlib.resources import files

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrypoints.relay import Relay
from entrypoints.rest.encoding import dump
from entrypoints.rest.errors import refused
from entrypoints.rest.gateway import Gateway
from entrypoints.rest.headers import CORRELATION, FORWARDED, TIMEOUTS
from entrypoints.rest.health import health_routes
from entrypoints.rest.jwks import jwks_route
from entrypoints.rest.limits import Limits
from entrypoints.rest.routes import published_services, routes_of

ALLOWED_HEADERS = [*FORWARDED, *TIMEOUTS, "content-type", "last-event-id"]


def create_app(
    channel: grpc.aio.Channel,
    *,
    limits: Limits | None = None,
    cors_origins: Sequence[str] = (),
    relay: Relay | None = None,
    trusted_proxies: int = 0,
    jwks_max_age: int = 1,
    services: Sequence[ServiceDescriptor] | None = None,
) -> Starlette:
    """REST for every RPC of `services` (the whole of obelisk.v1 when not given).

    `cors_origins` lists the web origins whose scripts may call; none by default. `relay` is the one
    that the gRPC server was given too; without it, the server's log names this door for everybody;
    `trusted_proxies` is how many of one's own proxies stand before this door; `jwks_max_age`
    is for how many seconds others may keep the public keys. The channel stays its owner's to close,
    and should limit neither what it sends nor what it receives.
    Raises TemplateError when the contract's HTTP options make no sense.
    """
    routes = routes_of(published_services() if services is None else services)
    gateway = Gateway(
        channel,
        routes,
        limits or Limits(),
        relay=relay,
        trusted_proxies=trusted_proxies,
    )
    app = Starlette(
        routes=[
            *health_routes(channel),
            jwks_route(channel, jwks_max_age),
            Route("/openapi.json", _openapi),
        ],
        middleware=_cors(cors_origins),
        exception_handlers={HTTPException: _shaped},
    )
    app.router.redirect_slashes = False
    app.router.default = gateway
    return app


async def _openapi(_: Request) -> Response:
    return Response(_document(), media_type="application/json")


def _document() -> bytes:
    return files("entrypoints.rest").joinpath("openapi.json").read_bytes()


async def _shaped(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = grpc.StatusCode.UNIMPLEMENTED if error.status_code == 405 else grpc.StatusCode.INTERNAL
    status = error.status_code
    body = refused(error.detail, reason="METHOD_NOT_ALLOWED", code=code, http_status=status).body()
    return Response(dump(body), status, error.headers, media_type="application/json")


def _cors(origins: Sequence[str]) -> list[Middleware]:
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=[CORRELATION, "retry-after", "www-authenticate"],
            max_age=600,
        )
    ]
