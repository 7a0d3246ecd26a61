"""Access tokens for whoever sits at this machine: got from the server, renewed before they end."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic, time

import grpc

from adapters.local.secret_file import read_secret
from application.auth.local_operator import LOCAL_OPERATOR
from domain.errors import FailedPrecondition
from entrypoints.settings import Settings
from obelisk.v1 import auth_pb2, auth_pb2_grpc

# Renewed after this part of a token's life, so that a server that blinks meanwhile costs nothing.
_PART_OF_LIFE = 0.6
_SHORTEST_WAIT_SECONDS = 1.0


class NoLocalSecret(FailedPrecondition):
    reason = "NO_LOCAL_SECRET"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"there is no {path}: start a server with this data folder (obelisk serve), "
            "or set OBELISK_DATA_DIR to the folder of the server that runs"
        )


class LocalSecretRefused(FailedPrecondition):
    reason = "LOCAL_SECRET_REFUSED"

    def __init__(self, server: str, path: Path) -> None:
        super().__init__(
            f"the server at {server} does not let the secret in {path} in: "
            "set OBELISK_DATA_DIR to that server's own data folder; "
            "with OBELISK_LOCAL_OPERATOR=false it lets none in"
        )


class LocalTokens:
    """Called, it is the token of the moment."""

    def __init__(self, server: str, secret_file: Path) -> None:
        self._server = server
        self._secret_file = secret_file
        self._token = ""
        self._renew_at = 0.0

    def __call__(self) -> str:
        return self._token

    async def renew(self) -> None:
        """Get another token.

        Raises:
            NoLocalSecret, SecretFileUnusable: there is nothing to prove oneself with.
            LocalSecretRefused: the server has another secret.
        """
        if not self._secret_file.exists():
            raise NoLocalSecret(self._secret_file)
        request = auth_pb2.ExchangeClientCredentialsRequest(
            client_id=str(LOCAL_OPERATOR), client_secret=read_secret(self._secret_file)
        )
        async with grpc.aio.insecure_channel(self._server) as channel:
            stub: auth_pb2_grpc.AuthServiceAsyncStub = auth_pb2_grpc.AuthServiceStub(channel)
            try:
                answer = await stub.ExchangeClientCredentials(request)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    raise LocalSecretRefused(self._server, self._secret_file) from error
                raise
        self._take(answer.tokens)

    async def keep_fresh(self) -> None:
        """Renew until cancelled. While the server is away, the last token stays."""
        while True:
            await asyncio.sleep(max(self._renew_at - monotonic(), _SHORTEST_WAIT_SECONDS))
            try:
                await self.renew()
            except (grpc.aio.AioRpcError, FailedPrecondition):
                continue

    def _take(self, tokens: auth_pb2.TokenSet) -> None:
        life = tokens.access_token_expire_time.seconds - time()
        self._token = tokens.access_token
        self._renew_at = monotonic() + life * _PART_OF_LIFE


@asynccontextmanager
async def local_tokens(settings: Settings, server: str) -> AsyncGenerator[Callable[[], str]]:
    """What a client takes as its token, for as long as this context lasts."""
    tokens = LocalTokens(server, settings.local_secret_file)
    await tokens.renew()
    # Owned here: the context is not left before it has ended.
    keeper = asyncio.get_running_loop().create_task(tokens.keep_fresh(), name="local-tokens")
    try:
        yield tokens
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])


async def local_token(settings: Settings, server: str) -> str:
    """One token, for a command that ends before it does."""
    tokens = LocalTokens(server, settings.local_secret_file)
    await tokens.renew()
    return tokens()
