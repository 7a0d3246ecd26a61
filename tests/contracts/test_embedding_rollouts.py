"""The contract of `EmbeddingRollouts`, and a change of model from its beginning to its end."""

from array import array
from collections.abc import Sequence

import pytest

from adapters.local.clock import SystemClock
from adapters.memory.hash_embedder import HashEmbedder
from adapters.postgres.embedding_rollouts import PostgresEmbeddingRollouts
from adapters.postgres.pool import Pool
from application.embeddings.roll_out import RollOutEmbeddings
from application.embeddings.rolling import RollingEmbedder
from application.ports.embedding_rollouts import EmbeddingRollouts, PassageText
from domain.documents.document import Document
from domain.errors import Unavailable
from domain.identifiers import ChunkId, WorkerId
from domain.paging import PageRequest
from domain.retrieval.vector import Vector
from fixtures.making import Home, document, new_home, new_id, passages, structure
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

OLD, NEW = HashEmbedder(dimensions=64), HashEmbedder(dimensions=32)
WORKER = WorkerId(new_id())


@pytest.fixture
def stores(pool: Pool) -> Stores:
    return postgres_stores(pool)


@pytest.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


@pytest.fixture
async def away(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


@pytest.fixture
def rollouts(pool: Pool) -> EmbeddingRollouts:
    return PostgresEmbeddingRollouts(pool)


async def _published(stores: Stores, home: Home, *texts: str) -> Document:
    made = await stores.documents.add(document(home))
    vectors = tuple(await OLD.embed_documents(texts))
    rows = passages(*texts, vectors=vectors)
    await stores.documents.publish(made, structure(), rows, OLD.model)
    return made


async def _vectors(shared_database: SharedDatabase) -> dict[str, int]:
    rows = await shared_database.superuser.fetch(
        "select model, count(*) as vectors from obelisk.chunk_vectors group by model"
    )
    return {row["model"]: row["vectors"] for row in rows}


async def test_one_model_serves_at_a_time(rollouts: EmbeddingRollouts) -> None:
    assert await rollouts.serving() is None
    await rollouts.serve(OLD.model)
    await rollouts.serve(OLD.model)
    assert await rollouts.serving() == OLD.model.name
    await rollouts.begin(NEW.model, WORKER, 60)
    assert await rollouts.serving() == OLD.model.name
    await rollouts.serve(NEW.model)
    assert await rollouts.serving() == NEW.model.name


async def test_one_process_fills_until_its_time_is_over(rollouts: EmbeddingRollouts) -> None:
    other = WorkerId(new_id())
    assert await rollouts.begin(NEW.model, WORKER, 60)
    assert not await rollouts.begin(NEW.model, other, 60)
    assert await rollouts.begin(NEW.model, WORKER, 0)
    assert await rollouts.begin(NEW.model, other, 60)


async def test_what_is_missing_is_found_page_by_page_in_all_spaces(
    rollouts: EmbeddingRollouts, stores: Stores, home: Home, away: Home
) -> None:
    await _published(stores, home, "a", "b", "c")
    await _published(stores, away, "d", "e")
    assert await rollouts.missing(OLD.model, None, 9) == ()
    seen: list[PassageText] = []
    while some := await rollouts.missing(NEW.model, seen[-1] if seen else None, 2):
        assert len(some) <= 2
        seen += some
    assert sorted(one.text for one in seen) == ["a", "b", "c", "d", "e"]
    assert {one.space_id for one in seen} == {home.space, away.space}
    first = seen[0]
    (vector,) = await NEW.embed_documents([first.text])
    for _ in range(2):
        await rollouts.add(first.space_id, NEW.model, {first.chunk_id: vector})
    rest = await rollouts.missing(NEW.model, None, 9)
    assert set(rest) == set(seen[1:])


async def test_vectors_of_what_is_gone_or_another_spaces_are_let_go(
    rollouts: EmbeddingRollouts,
    stores: Stores,
    home: Home,
    away: Home,
    shared_database: SharedDatabase,
) -> None:
    await _published(stores, home, "a")
    (ours,) = await rollouts.missing(NEW.model, None, 9)
    vector = array("f", [1.0] * 32)
    await rollouts.add(away.space, NEW.model, {ours.chunk_id: vector})
    await rollouts.add(home.space, NEW.model, {ChunkId(new_id()): vector})
    assert await _vectors(shared_database) == {OLD.model.name: 1}


async def test_what_left_is_dropped_after_its_grace_and_nothing_else(
    rollouts: EmbeddingRollouts, stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _published(stores, home, "a")
    await rollouts.serve(OLD.model)
    await rollouts.serve(NEW.model)
    assert await rollouts.drop_left(60) == []
    assert await _vectors(shared_database) == {OLD.model.name: 1}
    assert await rollouts.drop_left(0) == [OLD.model.name]
    assert await _vectors(shared_database) == {}
    assert await rollouts.drop_left(0) == []
    assert await rollouts.serving() == NEW.model.name


def _rolling(
    rollouts: EmbeddingRollouts, new: HashEmbedder = NEW
) -> tuple[RollingEmbedder, RollOutEmbeddings]:
    serving = RollingEmbedder([OLD, new], SystemClock(), turn_seconds=0)
    roll_out = RollOutEmbeddings(
        rollouts=rollouts, serving=serving, wanted=new, worker=WORKER, grace_seconds=0
    )
    return serving, roll_out


async def _found(stores: Stores, home: Home, embedder: RollingEmbedder, text: str) -> list[str]:
    found = await stores.index.of_documents(
        home.space,
        documents=[one.document_id for one in (await _all(stores, home))],
        vector=await embedder.embed_query(text),
        model=embedder.model,
        limit=1,
    )
    return [passage.text for passage in found]


async def _all(stores: Stores, home: Home) -> tuple[Document, ...]:
    return (await stores.documents.list(home.space, PageRequest())).items


async def test_the_old_model_serves_until_the_new_one_has_every_passage(
    rollouts: EmbeddingRollouts, stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _published(stores, home, "smoked herring", "canvas bags")

    class Slow(HashEmbedder):
        late: Document | None = None

        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            # While it is filled in, the old one serves, and a document comes in under it.
            assert serving.model == OLD.model
            assert await _found(stores, home, serving, "herring") == ["smoked herring"]
            if self.late is None:
                self.late = await stores.documents.add(document(home, filename="late.md"))
                row = passages("late boats", vectors=(await OLD.embed_query("late boats"),))
                await stores.documents.publish(self.late, structure(), row, OLD.model)
            return await super().embed_documents(texts)

    slow = Slow(dimensions=32)
    serving, roll_out = _rolling(rollouts, slow)
    assert await roll_out()
    assert serving.model == slow.model
    assert await _vectors(shared_database) == {OLD.model.name: 3, slow.model.name: 3}
    assert await _found(stores, home, serving, "boats") == ["late boats"]
    assert not await roll_out()
    assert await _vectors(shared_database) == {slow.model.name: 3}
    assert await _found(stores, home, serving, "herring") == ["smoked herring"]


async def test_a_model_that_fails_leaves_the_old_one_serving(
    rollouts: EmbeddingRollouts, stores: Stores, home: Home
) -> None:
    await _published(stores, home, "smoked herring")

    class Down(HashEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            raise Unavailable("down")

    serving, roll_out = _rolling(rollouts, Down(dimensions=32))
    with pytest.raises(Unavailable):
        await roll_out()
    assert await rollouts.serving() == OLD.model.name
    assert await _found(stores, home, serving, "herring") == ["smoked herring"]


async def test_another_process_turns_to_the_model_that_serves(
    rollouts: EmbeddingRollouts,
) -> None:
    here, _ = _rolling(rollouts)
    there, other = _rolling(rollouts)
    await rollouts.serve(OLD.model)
    assert await other.look() == OLD.model.name
    await rollouts.serve(NEW.model)
    assert await other.look() == NEW.model.name
    assert (here.model, there.model) == (OLD.model, NEW.model)


async def test_a_passage_too_long_for_the_new_model_is_embedded_in_parts(
    rollouts: EmbeddingRollouts, stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    words = " ".join(f"word{n}" for n in range(100))
    await _published(stores, home, words)
    small = HashEmbedder(dimensions=16, max_tokens=30)
    serving, roll_out = _rolling(rollouts, small)
    assert await roll_out()
    assert (await _vectors(shared_database))[small.model.name] == 1
    assert serving.model == small.model
