"""KeepGraphs: what is large gets a graph, what has shrunk loses it, and all else is left alone."""

import logging

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.document_store import MemoryDocumentStore
from adapters.memory.state import MemoryState
from adapters.memory.vector_graphs import MemoryVectorGraphs
from application.retrieval.keep_graphs import KeepGraphs
from domain.documents.document import Document
from domain.errors import Unavailable
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.retrieval.graphs import GraphPolicy, GraphState, VectorSet
from fixtures.making import MODEL, Home, document, new_id, passages, structure


class _Lossy(MemoryVectorGraphs):
    """Half of what is nearest is not found."""

    async def recall(self, vectors: VectorSet, samples: int) -> float:
        return 0.5


class _Troubled(MemoryVectorGraphs):
    """Cannot be asked of the first set that comes."""

    asked = 0

    async def recall(self, vectors: VectorSet, samples: int) -> float:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("the database is away")
        return await super().recall(vectors, samples)


class _House:
    """Two spaces, one larger than the other."""

    def __init__(self, graphs: type[MemoryVectorGraphs] = MemoryVectorGraphs) -> None:
        state = MemoryState()
        self.documents = MemoryDocumentStore(state, FixedClock())
        self.graphs = graphs(state)
        self.keep = KeepGraphs(graphs=self.graphs, policy=GraphPolicy(build_from=6, drop_below=3))
        self.large, self.small = _home(), _home()

    async def publish(self, home: Home, count: int) -> Document:
        made = document(home, filename=f"{new_id()}.md")
        await self.documents.add(made)
        texts = [f"boats {number}" for number in range(count)]
        await self.documents.publish(made, structure(), passages(*texts), MODEL)
        return made

    async def graphs_of(self) -> dict[SpaceId, int]:
        found = await self.graphs.sets(6)
        return {one.space: one.count for one in found if one.graph is GraphState.READY}


def _home() -> Home:
    return Home(
        organization=OrganizationId(new_id()), space=SpaceId(new_id()), owner=UserId(new_id())
    )


async def test_only_a_large_space_gets_a_graph() -> None:
    house = _House()
    await house.publish(house.large, 6)
    await house.publish(house.small, 5)
    await house.keep()
    assert await house.graphs_of() == {house.large.space: 6}


async def test_trouble_with_one_space_keeps_no_other_from_its_graph() -> None:
    house = _House(_Troubled)
    await house.publish(house.large, 6)
    await house.publish(house.small, 6)
    await house.keep()
    assert await house.graphs_of() == {house.large.space: 6, house.small.space: 6}


async def test_a_graph_stays_until_its_space_is_much_smaller() -> None:
    house = _House()
    await house.publish(house.large, 2)
    going, gone = [await house.publish(house.large, count) for count in (1, 3)]
    await house.keep()
    await house.documents.delete(house.large.space, gone.document_id)
    await house.keep()
    assert await house.graphs_of() == {house.large.space: 3}
    await house.documents.delete(house.large.space, going.document_id)
    await house.keep()
    assert await house.graphs_of() == {}


@pytest.mark.parametrize(
    ("graphs", "level"), [(MemoryVectorGraphs, logging.INFO), (_Lossy, logging.WARNING)]
)
async def test_what_searches_of_a_large_space_find_is_told(
    graphs: type[MemoryVectorGraphs], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "application.retrieval")
    house = _House(graphs)
    await house.publish(house.large, 6)
    await house.publish(house.small, 5)
    await house.keep()
    told = [one for one in caplog.records if "of the nearest" in one.getMessage()]
    assert [one.levelno for one in told] == [level]
    assert str(house.large.space) in told[0].getMessage()
