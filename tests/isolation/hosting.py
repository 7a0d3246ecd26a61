"""The whole server in this process, with models that need no weights."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr

from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.plain_text_converter import PlainTextConverter
from adapters.memory.scripted_chat_model import ScriptedChatModel
from adapters.memory.web_fetcher import MemoryWebFetcher
from application.auth import attempts
from application.context import Caller
from application.ports.chat_model import ChatModel
from application.ports.clock import Clock
from application.ports.embedder import Embedder
from domain.auth.rate import Rate
from domain.identifiers import OrganizationId, UserId
from entrypoints import startup
from entrypoints.container import Container
from entrypoints.server import Addresses, serving
from entrypoints.settings import Settings
from entrypoints.startup import platform
from isolation.kinds import TEXTS
from isolation.order import Order


async def _scripted(settings: Settings, stack: AsyncExitStack) -> tuple[ChatModel, Embedder]:
    return ScriptedChatModel("We ", "sell ", "bags."), HashEmbedder()


class _PlainText(PlainTextConverter):
    """In place of child processes, which take longer to start than a pass may take."""

    def __init__(self, *, processes: int, layout_models: Path | None) -> None:
        self.processes = processes
        self.layout_models = layout_models

    async def close(self) -> None:
        """Nothing to end."""


class _Web(MemoryWebFetcher):
    """In place of the internet, which no test asks."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.put(str(TEXTS["url"]), b"<html><body><p>We sell bags.</p></body></html>")


def _without_limits() -> None:
    """Thousands of attempts from one address are what the limits are there to end."""
    setattr(startup, "DoclingConverter", _PlainText)  # noqa: B010 - not its own name to give
    setattr(startup, "HttpWebFetcher", _Web)  # noqa: B010
    for name in ("OF_ONE_FROM_HERE", "OF_ALL_FROM_HERE", "OF_ONE_FROM_STRANGERS"):
        setattr(attempts, name, Rate(limit=1_000_000, seconds=1.0))


@asynccontextmanager
async def hosted(order: Order) -> AsyncGenerator[tuple[Container, Addresses]]:
    """As `obelisk serve` wires it, but for the models, the converter and the limits."""
    settings = Settings().model_copy(
        update={
            "data_dir": Path(order.folder),
            "grpc_host": "127.0.0.1",
            "grpc_port": 0,
            "rest_host": "127.0.0.1",
            "rest_port": 0,
            "database_url": SecretStr(order.owner_dsn),
            "app_database_url": SecretStr(order.application_dsn),
            "database_pooler": order.pooler,
            "redis_url": SecretStr(order.redis_url),
            "chat_url": None,
            "embedding_url": None,
        }
    )
    _without_limits()
    async with (
        platform(settings, lambda _: None, _scripted) as container,
        serving(container, settings) as addresses,
    ):
        yield container, addresses


async def signed_in(container: Container, user: str, organization: str | None) -> str:
    """A new access token, as signing in would give it."""
    tokens = await container.sessions().open(
        user=UserId(UUID(user)),
        organization=OrganizationId(UUID(organization)) if organization else None,
        caller=Caller(correlation_id="isolation"),
    )
    return tokens.access_token
