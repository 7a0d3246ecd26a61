"""The public keys, where other services look for them."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from jwt import PyJWKSet

from entrypoints.rest.app import create_app
from fixtures.keys import pair
from obelisk.v1 import auth_pb2

PATH = "/.well-known/jwks.json"


if TYPE_CHECKING:  # generic in the stubs only
    Handler = grpc.GenericRpcHandler[auth_pb2.GetJwksRequest, auth_pb2.GetJwksResponse]
    Context = grpc.aio.ServicerContext[auth_pb2.GetJwksRequest, auth_pb2.GetJwksResponse]


class Keys:
    """Knows pair 0 and pair 1, until it is away."""

    away = False

    async def get(
        self, request: auth_pb2.GetJwksRequest, context: "Context"
    ) -> auth_pb2.GetJwksResponse:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "postgresql://secret@db")
        known = (pair(0).public, pair(1).public)
        return auth_pb2.GetJwksResponse(keys=[auth_pb2.JsonWebKey(**key.jwk()) for key in known])

    def handler(self) -> "Handler":
        method = grpc.unary_unary_rpc_method_handler(
            self.get,
            request_deserializer=auth_pb2.GetJwksRequest.FromString,
            response_serializer=auth_pb2.GetJwksResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("obelisk.v1.AuthService", {"GetJwks": method})


@pytest.fixture
async def keys() -> Keys:
    return Keys()


@pytest.fixture
async def web(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((keys.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        app = create_app(channel, services=[], jwks_max_age=5)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://obelisk.test") as opened:
            yield opened
    await server.stop(None)


async def test_anybody_gets_the_keys_that_the_contract_tells(web: httpx.AsyncClient) -> None:
    answer = await web.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"keys": [pair(0).public.jwk(), pair(1).public.jwk()]}
    kids = [key.key_id for key in PyJWKSet.from_dict(answer.json()).keys]
    assert kids == [pair(0).public.kid, pair(1).public.kid]


async def test_the_keys_may_be_kept_for_a_moment_and_a_failure_not_at_all(
    web: httpx.AsyncClient, keys: Keys
) -> None:
    assert (await web.get(PATH)).headers["cache-control"] == "public, max-age=5"
    keys.away = True
    answer = await web.get(PATH)
    assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
    assert answer.json()["error"]["details"][0]["reason"] == "JWKS_UNAVAILABLE"
    assert "secret" not in answer.text


async def test_the_keys_are_only_read(web: httpx.AsyncClient) -> None:
    assert (await web.post(PATH)).status_code == 405
