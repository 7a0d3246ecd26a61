"""Retrieve: four streams side by side, and what is done without."""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import replace

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.hash_embedder import HashEmbedder
from application.ports.embedder import Embedder
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.settings_store import SettingsStore
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import (
    KnowledgeUnavailable,
    RetrievalRequest,
    Retrieve,
    Retrieved,
)
from application.speculative import Speculative
from domain.documents.document import Collection
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId, UserId
from domain.retrieval.passage import Passage
from domain.retrieval.policy import RetrievalConfig, Stream, StreamPolicy
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.runs.event import StageTimed
from domain.tenancy.settings import SettingsVersion, SpaceSettings
from fixtures.agents import VOICE, Shop, a_shop
from fixtures.index_before import IndexBefore
from fixtures.making import document, new_home, new_id

HURRY = {stream: StreamPolicy(deadline_seconds=0.05) for stream in Stream}
OWN = frozenset({Collection.PRODUCT, Collection.GENERAL})


class Index(IndexBefore):
    """Answers late, or not at all, for some streams. `vectors` are those it was given."""

    def __init__(
        self,
        inner: KnowledgeIndex,
        *,
        slow: Sequence[str] = (),
        broken: Sequence[str] = (),
        error: Exception | None = None,
        seconds: float = 30.0,
    ) -> None:
        super().__init__(inner)
        self._slow = slow
        self._broken = broken
        self._error = error or Unavailable("the index is away")
        self._seconds = seconds
        self.vectors: list[Vector | None] = []

    async def _trouble(self, stream: str) -> None:
        if stream in self._broken:
            raise self._error
        if stream in self._slow:
            await asyncio.sleep(self._seconds)

    async def hybrid(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        collections: frozenset[Collection],
        limit: int,
    ) -> tuple[Passage, ...]:
        self.vectors.append(vector)
        await self._trouble("web" if collections == {Collection.WEB} else "semantic")
        return await super().hybrid(
            space, text=text, vector=vector, model=model, collections=collections, limit=limit
        )

    async def of_documents(
        self,
        space: SpaceId,
        *,
        documents: Sequence[DocumentId],
        vector: Vector | None,
        model: EmbeddingModel,
        limit: int,
    ) -> tuple[Passage, ...]:
        await self._trouble("referenced")
        return await super().of_documents(
            space, documents=documents, vector=vector, model=model, limit=limit
        )


class BrokenEmbedder(HashEmbedder):
    async def embed_query(self, text: str) -> Vector:
        raise Unavailable("the embedder is away")


class BrokenSettings:
    async def get(self, space: SpaceId) -> SpaceSettings:
        raise Unavailable("the settings are away")

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        raise Unavailable("the settings are away")

    async def versions(
        self, space: SpaceId, *, before: int | None, limit: int
    ) -> tuple[SettingsVersion, ...]:
        raise Unavailable("the settings are away")


@pytest.fixture
async def shop() -> Shop:
    return await a_shop()


async def _retrieved(
    shop: Shop,
    *,
    index: KnowledgeIndex | None = None,
    embedder: Embedder | None = None,
    settings: SettingsStore | None = None,
    documents: tuple[DocumentId, ...] = (),
    hurry: bool = False,
) -> tuple[Retrieved, dict[str, StageTimed]]:
    speculative = Speculative()
    retrieve = Retrieve(
        index=index or shop.stores.index,
        vectors=QueryVectors(embedder or shop.embedder, speculative),
        settings=settings or shop.stores.settings,
        clock=FixedClock(),
        speculative=speculative,
    )
    config = RetrievalConfig(collections=OWN)
    request = RetrievalRequest(
        space=shop.home.space,
        question="smoked herring",
        documents=documents,
        config=replace(config, streams=HURRY) if hurry else config,
    )
    stages: list[StageTimed] = []
    found = await retrieve(request, stages.append)
    assert len({stage.stage for stage in stages}) == len(stages)
    return found, {stage.stage: stage for stage in stages}


def _titles(found: Retrieved) -> set[str]:
    return {fused.passage.title for fused in found.passages}


async def test_all_streams_bring_what_they_find(shop: Shop) -> None:
    boats = shop.documents["boats.md"]
    found, stages = await _retrieved(shop, documents=(boats,))
    assert _titles(found) == {"Products", "Boats", "Rival"}
    by_title = {fused.passage.title: fused.streams for fused in found.passages}
    assert by_title["Rival"] == ("web",)
    assert "referenced" in by_title["Boats"]
    assert (found.settings, found.degraded_streams) == (VOICE, ())
    assert set(stages) == {
        f"retrieve.{stage}"
        for stage in ("embed_query", "business", "referenced", "semantic", "web")
    }
    assert not any(stage.degraded for stage in stages.values())


async def test_without_referenced_documents_nobody_looks_for_any(shop: Shop) -> None:
    _, stages = await _retrieved(shop)
    assert "retrieve.referenced" not in stages


async def test_another_spaces_document_is_as_if_it_did_not_exist(shop: Shop) -> None:
    boats = shop.documents["boats.md"]
    stranger = replace(shop, home=await new_home(shop.stores.tenancy))
    found, _ = await _retrieved(stranger, documents=(boats,))
    missing, _ = await _retrieved(stranger, documents=(DocumentId(new_id()),))
    assert (found.passages, found.degraded_streams) == ((), ("referenced",))
    assert found == missing


async def test_a_document_that_is_not_read_yet_is_told(shop: Shop) -> None:
    boats = shop.documents["boats.md"]
    unread = document(shop.home, filename="unread.md")
    await shop.stores.documents.add(unread)
    found, _ = await _retrieved(shop, documents=(boats, unread.document_id))
    assert found.degraded_streams == ("referenced",)
    assert "referenced" in {name for fused in found.passages for name in fused.streams}


async def test_streams_run_side_by_side(shop: Shop) -> None:
    slow = Index(shop.stores.index, slow=("semantic", "web", "referenced"), seconds=0.1)
    start = asyncio.get_running_loop().time()
    await _retrieved(shop, index=slow, documents=(shop.documents["boats.md"],))
    assert asyncio.get_running_loop().time() - start < 0.19


@pytest.mark.parametrize("stream", ["semantic", "web", "referenced"])
@pytest.mark.parametrize("trouble", ["slow", Unavailable("away"), ValueError("a fault of ours")])
async def test_a_stream_in_trouble_is_done_without_and_told(
    shop: Shop, stream: str, trouble: Exception | str
) -> None:
    index = (
        Index(shop.stores.index, slow=(stream,))
        if isinstance(trouble, str)
        else Index(shop.stores.index, broken=(stream,), error=trouble)
    )
    async with asyncio.timeout(10):
        found, stages = await _retrieved(
            shop, index=index, documents=(shop.documents["boats.md"],), hurry=True
        )
    assert found.degraded_streams == (stream,)
    assert found.passages
    assert [s.stage for s in stages.values() if s.degraded] == [f"retrieve.{stream}"]


async def test_when_no_stream_answers_that_is_not_called_finding_nothing(shop: Shop) -> None:
    index = Index(shop.stores.index, broken=("semantic", "web"))
    with pytest.raises(KnowledgeUnavailable):
        await _retrieved(shop, index=index)


async def test_an_empty_space_is_no_failure() -> None:
    found, _ = await _retrieved(await a_shop(empty=True))
    assert (found.passages, found.degraded_streams) == ((), ())


async def test_without_an_embedding_words_alone_are_searched(shop: Shop) -> None:
    index = Index(shop.stores.index)
    found, stages = await _retrieved(shop, index=index, embedder=BrokenEmbedder())
    assert "Products" in _titles(found)
    assert index.vectors == [None, None]
    assert stages["retrieve.embed_query"].degraded
    assert found.degraded_streams == ("meaning",)


async def test_the_question_is_embedded_once_for_all_streams(shop: Shop) -> None:
    class Counting(HashEmbedder):
        queries = 0

        async def embed_query(self, text: str) -> Vector:
            Counting.queries += 1
            return await super().embed_query(text)

    index = Index(shop.stores.index)
    await _retrieved(shop, index=index, embedder=Counting())
    assert Counting.queries == 1
    assert all(isinstance(vector, array) for vector in index.vectors)


async def test_a_stream_out_of_time_does_not_take_the_embedding_from_the_others(
    shop: Shop,
) -> None:
    class Slow(HashEmbedder):
        async def embed_query(self, text: str) -> Vector:
            await asyncio.sleep(0.1)
            return await super().embed_query(text)

    impatient = {**RetrievalConfig(collections=OWN).streams, Stream.WEB: HURRY[Stream.WEB]}
    config = RetrievalConfig(collections=OWN, streams=impatient)
    speculative = Speculative()
    retrieve = Retrieve(
        index=shop.stores.index,
        vectors=QueryVectors(Slow(), speculative),
        settings=shop.stores.settings,
        clock=FixedClock(),
        speculative=speculative,
    )
    request = RetrievalRequest(
        space=shop.home.space, question="smoked herring", documents=(), config=config
    )
    found = await retrieve(request, lambda stage: None)
    assert found.degraded_streams == ("web",)
    assert "Products" in _titles(found)


async def test_without_the_business_the_passages_are_still_there(shop: Shop) -> None:
    found, _ = await _retrieved(shop, settings=BrokenSettings())
    assert found.settings == SpaceSettings()
    assert found.degraded_streams == ("business",)
    assert found.passages


async def test_a_cancellation_stops_every_stream(shop: Shop) -> None:
    index = Index(shop.stores.index, slow=("semantic", "web"))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        asking = group.create_task(_retrieved(shop, index=index))
        await asyncio.sleep(0.02)
        asking.cancel()
    assert asking.cancelled()
