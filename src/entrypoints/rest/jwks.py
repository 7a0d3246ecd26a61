"""`/.well-known/jwks.json`: where other services look for the keys, without a token."""

import grpc
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrypoints.rest.encoding import Json, dump
from entrypoints.rest.errors import refused
from obelisk.v1 import auth_pb2, auth_pb2_grpc

PATH = "/.well-known/jwks.json"
ASK_SECONDS = 5.0


def jwks_route(channel: grpc.aio.Channel, max_age: int) -> Route:
    """A JWK set (RFC 7517) with what GetJwks answers; others may keep it for `max_age` seconds."""
    fresh = {"cache-control": f"public, max-age={max_age}"}
    stub: auth_pb2_grpc.AuthServiceAsyncStub = auth_pb2_grpc.AuthServiceStub(channel)

    async def jwks(_: Request) -> Response:
        try:
            answer = await stub.GetJwks(auth_pb2.GetJwksRequest(), timeout=ASK_SECONDS)
        except grpc.aio.AioRpcError:
            error = refused(
                "the keys cannot be told now; try again",
                reason="JWKS_UNAVAILABLE",
                code=grpc.StatusCode.UNAVAILABLE,
            )
            return _json(error.body(), error.http_status, {"cache-control": "no-store"})
        return _json({"keys": [_jwk(key) for key in answer.keys]}, 200, fresh)

    return Route(PATH, jwks)


def _jwk(key: auth_pb2.JsonWebKey) -> Json:
    return {
        "kty": key.kty,
        "use": key.use,
        "alg": key.alg,
        "kid": key.kid,
        "n": key.n,
        "e": key.e,
    }


def _json(value: Json, status: int, headers: dict[str, str]) -> Response:
    return Response(dump(value), status, headers, media_type="application/json")
