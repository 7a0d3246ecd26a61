"""The embedding model that serves, and the one that is to come, wired."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.local.clock import SystemClock
from adapters.openai_compatible.embeddings import OpenAiCompatibleEmbedder
from adapters.postgres.embedding_rollouts import PostgresEmbeddingRollouts
from adapters.postgres.pool import Pool
from application.embeddings.roll_out import RollOutEmbeddings
from application.embeddings.rolling import RollingEmbedder
from application.ports.embedder import Embedder
from domain.errors import InvalidInput
from domain.identifiers import WorkerId
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedders:
    """`serving` is for everybody; `roll_out` turns it to the model that is wanted."""

    serving: RollingEmbedder
    roll_out: RollOutEmbeddings


def build_embedders(
    settings: Settings, given: Embedder, pool: Pool, worker: WorkerId, stack: AsyncExitStack
) -> Embedders:
    """`given` is the model of the settings; the one that is to come is opened here.

    Raises InvalidInput: the coming model has no name, or the name of the other one.
    """
    coming = _coming(settings, stack)
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


def _coming(settings: Settings, stack: AsyncExitStack) -> OpenAiCompatibleEmbedder | None:
    if settings.next_embedding_url is None:
        return None
    if not settings.next_embedding_model:
        raise InvalidInput("a coming model needs its name: set OBELISK_NEXT_EMBEDDING_MODEL")
    key = settings.next_embedding_api_key
    coming = OpenAiCompatibleEmbedder(
        settings.next_embedding_url,
        settings.next_embedding_model,
        dimensions=settings.next_embedding_dimensions,
        api_key=key.get_secret_value() if key else None,
        query_prefix=settings.next_embedding_query_prefix,
        document_prefix=settings.next_embedding_document_prefix,
    )
    stack.push_async_callback(coming.close)
    return coming
