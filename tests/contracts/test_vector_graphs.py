"""The contract of `VectorGraphs`, on every adapter."""

from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from adapters.memory.clock import FixedClock
from adapters.memory.document_store import MemoryDocumentStore
from adapters.memory.knowledge_index import MemoryKnowledgeIndex
from adapters.memory.state import MemoryState
from adapters.memory.vector_graphs import MemoryVectorGraphs
from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.vector_graphs import PostgresVectorGraphs
from application.ports.document_store import DocumentStore
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.vector_graphs import VectorGraphs
from domain.documents.document import Collection, Document
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.retrieval.graphs import GraphState, VectorSet
from domain.retrieval.vector import EmbeddingModel
from fixtures.making import (
    MODEL,
    OTHER_MODEL,
    Home,
    axis,
    document,
    new_home,
    new_id,
    passages,
    structure,
)
from fixtures.postgres import SharedDatabase
from fixtures.stores import postgres_stores

MANY = 6
EVERYWHERE = frozenset(Collection)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A space, what fills it, and what keeps its graphs."""

    home: Home
    documents: DocumentStore
    index: KnowledgeIndex
    graphs: VectorGraphs

    async def publish(self, count: int, model: EmbeddingModel = MODEL) -> Document:
        made = document(self.home, filename=f"{new_id()}.md")
        await self.documents.add(made)
        texts = [f"boats {number}" for number in range(count)]
        await self.documents.publish(made, structure(), passages(*texts), model)
        return made

    async def only(self) -> VectorSet:
        (found,) = await self.graphs.sets(MANY)
        return found

    async def nearest(self) -> list[str]:
        found = await self.index.hybrid(
            self.home.space,
            text="",
            vector=axis(3, toward=5),
            model=MODEL,
            collections=EVERYWHERE,
            limit=MANY,
        )
        return [passage.text for passage in found]


@pytest.fixture(params=["memory", "postgres"])
def server(request: pytest.FixtureRequest) -> SharedDatabase | None:
    """An empty database, or none for what lives in memory."""
    if request.param == "memory":
        return None
    request.getfixturevalue("pool")
    shared: SharedDatabase = request.getfixturevalue("shared_database")
    return shared


@pytest_asyncio.fixture
async def house(server: SharedDatabase | None) -> House:
    if server is None:
        state = MemoryState()
        home = Home(
            organization=OrganizationId(new_id()), space=SpaceId(new_id()), owner=UserId(new_id())
        )
        return House(
            home=home,
            documents=MemoryDocumentStore(state, FixedClock()),
            index=MemoryKnowledgeIndex(state),
            graphs=MemoryVectorGraphs(state),
        )
    graphs = PostgresVectorGraphs(server.database.superuser_dsn)
    for left in await graphs.sets(1):
        await graphs.drop(left)
    return House(
        home=await new_home(postgres_stores(server.pool).tenancy),
        documents=PostgresDocumentStore(server.pool),
        index=PostgresKnowledgeIndex(server.pool),
        graphs=graphs,
    )


async def test_sets_that_are_small_and_have_no_graph_are_not_told_of(house: House) -> None:
    await house.publish(MANY - 1)
    assert await house.graphs.sets(MANY) == ()


async def test_a_large_set_is_told_of_with_its_size(house: House) -> None:
    await house.publish(MANY)
    await house.publish(2)
    await house.publish(2, OTHER_MODEL)
    assert await house.only() == VectorSet(
        space=house.home.space,
        model=MODEL.name,
        dimensions=MODEL.dimensions,
        count=MANY + 2,
        graph=GraphState.NONE,
    )


async def test_a_built_graph_is_ready_and_finds_the_same(house: House) -> None:
    await house.publish(MANY + 2)
    before = await house.nearest()
    assert await house.graphs.build(await house.only())
    assert (await house.only()).graph is GraphState.READY
    assert await house.nearest() == before
    assert before[:2] == ["boats 3", "boats 5"]


async def test_a_search_finds_what_an_exact_scan_does_with_a_graph_and_without(
    house: House,
) -> None:
    await house.publish(MANY + 2)
    wanted = await house.only()
    assert await house.graphs.recall(wanted, 3) == 1.0
    assert await house.graphs.build(wanted)
    assert await house.graphs.recall(wanted, 3) == 1.0
    empty = replace(wanted, space=SpaceId(new_id()))
    assert await house.graphs.recall(empty, 3) == 1.0


async def test_a_graph_is_built_once_however_often_it_is_asked_for(house: House) -> None:
    await house.publish(MANY)
    wanted = await house.only()
    assert await house.graphs.build(wanted)
    assert await house.graphs.build(wanted)
    assert await house.only() == replace(wanted, graph=GraphState.READY)


async def test_a_dropped_graph_is_gone_and_can_be_dropped_again(house: House) -> None:
    await house.publish(MANY)
    wanted = await house.only()
    await house.graphs.build(wanted)
    assert await house.graphs.drop(wanted)
    assert await house.graphs.drop(wanted)
    assert (await house.only()).graph is GraphState.NONE
    assert len(await house.nearest()) == MANY


async def test_a_set_that_shrank_is_told_of_while_it_has_a_graph(house: House) -> None:
    first = await house.publish(MANY)
    await house.publish(1)
    await house.graphs.build(await house.only())
    await house.documents.delete(house.home.space, first.document_id)
    found = await house.only()
    assert (found.count, found.graph) == (1, GraphState.READY)
    await house.graphs.drop(found)
    assert await house.graphs.sets(MANY) == ()


async def test_passages_that_come_later_are_found_through_the_graph(house: House) -> None:
    await house.publish(MANY)
    await house.graphs.build(await house.only())
    await house.publish(MANY)
    assert (await house.nearest())[:2] == ["boats 3", "boats 3"]
