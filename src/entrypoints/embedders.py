"""The embedding model that serves, and the one that is to come, wired."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from pydantic import SecretStr

from adapters.local.clock import SystemClock
from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.weights import packaged_embedding_model
from adapters.openai_compatible.embeddings import OpenAiCompatibleEmbedder
from adapters.postgres.embedding_rollouts import PostgresEmbeddingRollouts
from adapters.postgres.pool import Pool
from application.embeddings.roll_out import RollOutEmbeddings
from application.embeddings.rolling import RollingEmbedder
from application.ports.embedder import Embedder
from domain.errors import InvalidInput
from domain.identifiers import WorkerId
from entrypoints.model_settings import ModelSettings
from entrypoints.vertex import is_vertex, named, vertex_embedder


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedders:
    """`serving` is for everybody; `roll_out` turns it to the model that is wanted."""

    serving: RollingEmbedder
    roll_out: RollOutEmbeddings


async def open_embedder(settings: ModelSettings, stack: AsyncExitStack) -> Embedder:
    """The model that the settings name, or the one that ships.

    Raises:
        InvalidInput: a server without a model's name, or an address that leads nowhere.
    """
    if settings.embedding_url is None:
        local = MiniLmEmbedder(packaged_embedding_model())
        stack.push_async_callback(local.close)
        await local.start()
        return local
    return await _opened(
        settings.embedding_url,
        named(settings.embedding_model, "OBELISK_EMBEDDING_MODEL"),
        settings.embedding_dimensions,
        settings.embedding_api_key,
        (settings.embedding_query_prefix, settings.embedding_document_prefix),
        stack,
    )


async def build_embedders(
    settings: ModelSettings, given: Embedder, pool: Pool, worker: WorkerId, stack: AsyncExitStack
) -> Embedders:
    """`given` is the model of the settings; the one that is to come is opened here.

    Raises InvalidInput: the coming model has no name, or the name of the other one.
    """
    coming = await _coming(settings, stack)
    if coming is not None and coming.model.name == given.model.name:
        raise InvalidInput("OBELISK_NEXT_EMBEDDING_MODEL is the model that there is already")
    serving = RollingEmbedder([given, coming] if coming else [given], SystemClock())
    roll_out = RollOutEmbeddings(
        rollouts=PostgresEmbeddingRollouts(pool),
        serving=serving,
        wanted=coming or given,
        worker=worker,
    )
    return Embedders(serving=serving, roll_out=roll_out)


async def _coming(settings: ModelSettings, stack: AsyncExitStack) -> Embedder | None:
    if settings.next_embedding_url is None:
        return None
    return await _opened(
        settings.next_embedding_url,
        named(settings.next_embedding_model, "OBELISK_NEXT_EMBEDDING_MODEL"),
        settings.next_embedding_dimensions,
        settings.next_embedding_api_key,
        (settings.next_embedding_query_prefix, settings.next_embedding_document_prefix),
        stack,
    )


async def _opened(
    url: str,
    model: str,
    dimensions: int,
    key: SecretStr | None,
    prefixes: tuple[str, str],
    stack: AsyncExitStack,
) -> Embedder:
    if is_vertex(url):
        return await vertex_embedder(url, model, dimensions, stack)
    embedder = OpenAiCompatibleEmbedder(
        url,
        model,
        dimensions=dimensions,
        api_key=key.get_secret_value() if key else None,
        query_prefix=prefixes[0],
        document_prefix=prefixes[1],
    )
    stack.push_async_callback(embedder.close)
    return embedder
