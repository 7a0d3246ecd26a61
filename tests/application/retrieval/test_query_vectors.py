"""Vectors of questions, each made once."""

import asyncio

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from application.retrieval.query_vectors import QueryVectors
from application.speculative import Speculative
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.vector import Vector
from fixtures.making import new_id

HOME, AWAY = SpaceId(new_id()), SpaceId(new_id())


class Counting(HashEmbedder):
    def __init__(self, *, seconds: float = 0.0, failures: int = 0) -> None:
        super().__init__()
        self._seconds = seconds
        self._failures = failures
        self.asked: list[str] = []

    async def embed_query(self, text: str) -> Vector:
        self.asked.append(text)
        await asyncio.sleep(self._seconds)
        if len(self.asked) <= self._failures:
            raise Unavailable("the embedder is away")
        return await super().embed_query(text)


async def test_a_question_is_embedded_once_however_many_ask() -> None:
    embedder = Counting(seconds=0.02)
    vectors = QueryVectors(embedder, Speculative())
    vectors.begin(HOME, "herring")
    found = await asyncio.gather(*(vectors.get(HOME, "herring") for _ in range(4)))
    assert embedder.asked == ["herring"]
    assert found == [await HashEmbedder().embed_query("herring")] * 4
    assert vectors.model == embedder.model


async def test_another_space_cannot_tell_what_was_asked() -> None:
    embedder = Counting()
    vectors = QueryVectors(embedder, Speculative())
    await vectors.get(HOME, "herring")
    await vectors.get(AWAY, "herring")
    assert embedder.asked == ["herring", "herring"]


async def test_who_runs_out_of_time_does_not_take_it_from_the_others() -> None:
    vectors = QueryVectors(Counting(seconds=0.05), Speculative())

    async def impatient() -> None:
        async with asyncio.timeout(0.01):
            await vectors.get(HOME, "herring")

    async with asyncio.TaskGroup() as group:
        patient = group.create_task(vectors.get(HOME, "herring"))
        with pytest.raises(TimeoutError):
            await impatient()
    assert patient.result()


async def test_a_failure_is_not_kept() -> None:
    embedder = Counting(failures=1)
    vectors = QueryVectors(embedder, Speculative())
    with pytest.raises(Unavailable):
        await vectors.get(HOME, "herring")
    assert await vectors.get(HOME, "herring")
    assert embedder.asked == ["herring", "herring"]


async def test_only_so_many_are_kept_and_the_oldest_goes_first() -> None:
    embedder = Counting()
    vectors = QueryVectors(embedder, Speculative(), most=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await vectors.get(HOME, text)
    assert embedder.asked == ["a", "b", "c", "b"]


@pytest.mark.parametrize("embedder", [Counting(seconds=30.0), Counting(failures=1)])
async def test_who_can_do_without_a_vector_does_not_wait_long_for_it(embedder: Counting) -> None:
    vectors = QueryVectors(embedder, Speculative(), seconds=0.01)
    async with asyncio.timeout(5):
        assert await vectors.in_time(HOME, "herring") is None
