"""Pictures beside texts: found by words and by a picture, and never in the way of the text."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from adapters.memory.colour_embedder import ColourEmbedder
from adapters.memory.picture_index import MemoryPictureIndex
from adapters.memory.picture_reader import InProcessPictureReader
from adapters.memory.state import MemoryState
from application.ports.picture_index import PictureIndex
from application.ports.picture_reader import PictureReader
from application.retrieval import pictures as module
from application.retrieval import search as search_module
from application.retrieval.pictures import PictureReaderBusy, PictureSearch
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import (
    KnowledgeUnavailable,
    RetrievalRequest,
    Retrieve,
    Retrieved,
)
from application.retrieval.search import MAX_IMAGE_BYTES, Found, Search, SearchKnowledge
from application.speculative import Speculative
from domain.documents.document import Collection
from domain.errors import FailedPrecondition, InvalidInput, Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.fusion import PICTURES
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import (
    MOST_ASKED,
    PictureQuery,
    PictureUnreadable,
    PictureVectors,
    VisualModel,
)
from domain.retrieval.policy import RetrievalConfig
from domain.retrieval.query import SearchFilter
from domain.runs.event import StageTimed
from fixtures.agents import Shop, a_shop
from fixtures.house import context_of
from fixtures.making import document, new_home, passages, structure
from fixtures.photos import plain, retouched

ANYWHERE = SearchFilter()
QUESTION = "smoked herring, red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A shop's space, with pictures of plain colours in it when they are hung."""

    shop: Shop
    index: PictureIndex
    embedder: ColourEmbedder

    async def hang(self, *colours: str) -> None:
        texts = [f"Picture on slide {n}" for n, _ in enumerate(colours, start=1)]
        meanings = await self.shop.embedder.embed_documents(texts)
        rows = passages(*texts, vectors=tuple(meanings))
        vectors = await self.embedder.embed_pictures([plain(colour) for colour in colours])
        shown = dict(zip((chunk_id for chunk_id, _, _ in rows), vectors, strict=True))
        made = document(self.shop.home, filename="deck.pptx")
        await self.shop.stores.documents.add(made)
        pictures = PictureVectors(model=self.embedder.model, vectors=shown)
        model = self.shop.embedder.model
        await self.shop.stores.documents.publish(made, structure(), rows, model, pictures)

    def pictures(
        self, index: PictureIndex | None = None, reader: PictureReader | None = None
    ) -> PictureSearch:
        return PictureSearch(
            index=index or self.index,
            embedder=self.embedder,
            reader=reader or InProcessPictureReader(),
        )

    async def found(
        self,
        query: str = "",
        image: bytes = b"",
        pictures: PictureSearch | None = None,
        within: SearchFilter = ANYWHERE,
    ) -> Found:
        search = SearchKnowledge(
            index=self.shop.stores.index,
            vectors=QueryVectors(self.shop.embedder, Speculative()),
            pictures=pictures,
        )
        wanted = Search(query=query, within=within, image=image)
        return await search(context_of(self.shop.home), wanted)

    async def retrieved(
        self, question: str, pictures: PictureSearch | None
    ) -> tuple[Retrieved, list[StageTimed]]:
        speculative = Speculative()
        stages: list[StageTimed] = []
        retrieve = Retrieve(
            index=self.shop.stores.index,
            vectors=QueryVectors(self.shop.embedder, speculative),
            settings=self.shop.stores.settings,
            clock=self.shop.retrieve()._clock,
            speculative=speculative,
            pictures=pictures,
        )
        config = RetrievalConfig(collections=frozenset(Collection))
        request = RetrievalRequest(
            space=self.shop.home.space, question=question, documents=(), config=config
        )
        return await retrieve(request, stages.append), stages


class Broken(MemoryPictureIndex):
    async def holds(self, space: SpaceId, model: VisualModel) -> bool:
        raise Unavailable("the database is away")


class Counting(MemoryPictureIndex):
    searches = 0

    async def nearest(
        self,
        space: SpaceId,
        *,
        query: PictureQuery,
        model: VisualModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[Passage, ...]:
        self.searches += 1
        return await super().nearest(space, query=query, model=model, within=within, limit=limit)


class Hanging(MemoryPictureIndex):
    async def nearest(
        self,
        space: SpaceId,
        *,
        query: PictureQuery,
        model: VisualModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[Passage, ...]:
        await asyncio.sleep(60)
        return ()


class Slow:
    async def small(self, content: bytes) -> bytes:
        await asyncio.sleep(5)
        return content


@pytest.fixture
async def gallery() -> Gallery:
    shop = await a_shop()
    return Gallery(shop=shop, index=shop.stores.pictures, embedder=ColourEmbedder())


def ranks(found: Found) -> dict[str, int]:
    """Rank by pictures of each passage that they found."""
    return {
        one.fused.passage.text: hit.rank
        for one in found.passages
        for hit in one.fused.hits
        if hit.way == PICTURES
    }


async def test_words_find_a_picture_and_say_how(gallery: Gallery) -> None:
    await gallery.hang("green", "red")
    found = await gallery.found("something red", pictures=gallery.pictures())
    assert ranks(found) == {"Picture on slide 2": 1}
    assert found.passages[0].fused.streams == ("semantic", "pictures")
    assert found.degraded == ()


async def test_without_pictures_found_nothing_changes(gallery: Gallery) -> None:
    plainly = await gallery.found("smoked herring")
    assert await gallery.found("smoked herring", pictures=gallery.pictures()) == plainly
    await gallery.hang("green")
    with_texts = await gallery.found("smoked herring")
    assert await gallery.found("smoked herring", pictures=gallery.pictures()) == with_texts


async def test_a_space_without_pictures_is_not_searched_for_them(gallery: Gallery) -> None:
    index = Counting(MemoryState())
    await gallery.found("smoked herring", pictures=gallery.pictures(index))
    assert index.searches == 0


async def test_pictures_do_not_crowd_out_the_text(gallery: Gallery) -> None:
    await gallery.hang(*["red"] * 9)
    found = await gallery.found(QUESTION, pictures=gallery.pictures())
    assert len(ranks(found)) == MOST_ASKED
    texts = [one.fused.passage.text for one in found.passages[: MOST_ASKED + 1]]
    assert any("herring" in text for text in texts)


async def test_a_picture_finds_its_like_and_nothing_else(gallery: Gallery) -> None:
    await gallery.hang("green", "red")
    found = await gallery.found(image=retouched(plain("green")), pictures=gallery.pictures())
    assert [one.fused.passage.text for one in found.passages] == ["Picture on slide 1"]


async def test_a_picture_and_words_search_together(gallery: Gallery) -> None:
    await gallery.hang("green", "blue")
    found = await gallery.found("smoked herring", plain("blue"), gallery.pictures())
    assert ranks(found) == {"Picture on slide 2": 1}
    assert any("herring" in one.fused.passage.text for one in found.passages)


async def test_a_filter_holds_for_pictures_too(gallery: Gallery) -> None:
    await gallery.hang("red")
    within = SearchFilter(collections=frozenset({Collection.BRAND}))
    found = await gallery.found("red", pictures=gallery.pictures(), within=within)
    assert ranks(found) == {}


async def test_another_space_finds_none(gallery: Gallery) -> None:
    await gallery.hang("red")
    home = await new_home(gallery.shop.stores.tenancy)
    elsewhere = replace(gallery, shop=replace(gallery.shop, home=home))
    for query, image in (("red", b""), ("", plain("red"))):
        found = await elsewhere.found(query, image, elsewhere.pictures())
        assert found.passages == ()


async def test_without_its_pictures_a_search_says_so(gallery: Gallery) -> None:
    found = await gallery.found(QUESTION, pictures=gallery.pictures(Broken(MemoryState())))
    assert found.degraded == ("pictures",)
    assert found.passages


async def test_a_file_that_is_no_picture_is_refused(gallery: Gallery) -> None:
    with pytest.raises(PictureUnreadable) as refused:
        await gallery.found(image=b"no picture", pictures=gallery.pictures())
    assert refused.value.field == "image"


async def test_a_reader_that_is_busy_is_told(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READING_SECONDS", 0.01)
    with pytest.raises(PictureReaderBusy):
        await gallery.found(image=plain("red"), pictures=gallery.pictures(reader=Slow()))


async def test_a_database_that_hangs_is_not_waited_for(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "_IMAGE_SECONDS", 0.05)
    with pytest.raises(KnowledgeUnavailable):
        await gallery.found(image=plain("red"), pictures=gallery.pictures(Hanging(MemoryState())))


async def test_in_documents_that_are_named_a_picture_is_of_their_stream(gallery: Gallery) -> None:
    await gallery.hang("red")
    (one,) = (await gallery.found(image=plain("red"), pictures=gallery.pictures())).passages
    within = SearchFilter(documents=frozenset({one.fused.passage.document_id}))
    (same,) = (
        await gallery.found(image=plain("red"), pictures=gallery.pictures(), within=within)
    ).passages
    assert one.fused.streams == ("semantic", "pictures")
    assert same.fused.streams == ("referenced", "pictures")
    assert [hit.stream for hit in same.fused.hits] == ["referenced"]


async def test_an_image_needs_a_search_among_pictures(gallery: Gallery) -> None:
    with pytest.raises(FailedPrecondition):
        await gallery.found(image=plain("red"))


@pytest.mark.parametrize(
    ("query", "image", "field"),
    [("", b"", "query"), (" ", b"x", "query"), ("", bytes(MAX_IMAGE_BYTES + 1), "image")],
)
def test_a_search_looks_for_something(query: str, image: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Search(query=query, image=image, within=ANYWHERE)
    assert refused.value.field == field


async def test_an_agent_reads_the_slide_that_is_a_picture(gallery: Gallery) -> None:
    await gallery.hang("green", "red")
    retrieved, stages = await gallery.retrieved("something red", gallery.pictures())
    (shown,) = [one for one in retrieved.passages if "pictures" in one.streams]
    assert shown.passage.text == "Picture on slide 2"
    assert "retrieve.pictures" in [stage.stage for stage in stages]


async def test_an_agent_reads_the_same_where_no_picture_is_found(gallery: Gallery) -> None:
    await gallery.hang("green")
    without, _ = await gallery.retrieved("smoked herring", None)
    beside, stages = await gallery.retrieved("smoked herring", gallery.pictures())
    assert beside == without
    assert "retrieve.pictures" not in [stage.stage for stage in stages]


async def test_an_agent_goes_without_pictures_that_fail(gallery: Gallery) -> None:
    broken = gallery.pictures(Broken(MemoryState()))
    retrieved, stages = await gallery.retrieved(QUESTION, broken)
    assert retrieved.passages
    assert retrieved.degraded_streams == ("pictures",)
    assert [s.stage for s in stages if s.degraded] == ["retrieve.pictures"]
