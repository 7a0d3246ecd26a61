"""Graphs in Postgres itself: searches go through them, and what broke is put right."""

import pytest_asyncio

from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.pool import Pool
from adapters.postgres.vector_graphs import PostgresVectorGraphs
from domain.retrieval.graphs import GraphState, VectorSet
from fixtures.making import MODEL, Home, document, new_home, passages, structure
from fixtures.postgres import SharedDatabase
from fixtures.stores import postgres_stores

MANY = 120
SEARCH = """
select * from obelisk.search(
  $1, '', array_fill(0.5, array[8])::real[]::halfvec, $2, '{general}', null, null, null, null, 5)
"""
SCANS = """
select coalesce(sum(idx_scan), 0) from pg_stat_user_indexes where indexrelname like 'graph_%'
"""


@pytest_asyncio.fixture
async def graphs(pool: Pool, shared_database: SharedDatabase) -> PostgresVectorGraphs:
    made = PostgresVectorGraphs(shared_database.database.superuser_dsn)
    for left in await made.sets(1):
        await made.drop(left)
    return made


@pytest_asyncio.fixture
async def home(pool: Pool) -> Home:
    """A space with many passages."""
    home = await new_home(postgres_stores(pool).tenancy)
    documents = PostgresDocumentStore(pool)
    made = document(home)
    await documents.add(made)
    texts = [f"boats {number}" for number in range(MANY)]
    await documents.publish(made, structure(), passages(*texts), MODEL)
    return home


async def _only(graphs: PostgresVectorGraphs) -> VectorSet:
    (found,) = await graphs.sets(MANY)
    return found


async def test_a_search_goes_through_the_graph_of_its_space(
    graphs: PostgresVectorGraphs, home: Home, shared_database: SharedDatabase
) -> None:
    await graphs.build(await _only(graphs))
    superuser = shared_database.superuser
    before = await superuser.fetchval(SCANS)
    assert len(await superuser.fetch(SEARCH, home.space, MODEL.name)) == 5
    await superuser.fetchval("select pg_stat_force_next_flush()")
    await superuser.fetchval("select pg_stat_clear_snapshot()")
    assert await superuser.fetchval(SCANS) == before + 1


async def test_a_graph_that_searches_do_not_know_of_is_broken_and_can_be_built(
    graphs: PostgresVectorGraphs, home: Home, shared_database: SharedDatabase
) -> None:
    await graphs.build(await _only(graphs))
    await shared_database.superuser.execute("delete from obelisk.vector_graphs")
    broken = await _only(graphs)
    assert broken.graph is GraphState.BROKEN
    assert await graphs.build(broken)
    assert (await _only(graphs)).graph is GraphState.READY


async def test_the_graph_of_a_space_that_is_gone_is_told_of_and_dropped(
    graphs: PostgresVectorGraphs, home: Home, shared_database: SharedDatabase
) -> None:
    await graphs.build(await _only(graphs))
    await shared_database.empty()
    left = await _only(graphs)
    assert (left.space, left.count, left.graph) == (home.space, 0, GraphState.BROKEN)
    assert await graphs.drop(left)
    assert await graphs.sets(1) == ()


async def test_one_process_is_at_a_graph_at_a_time(
    graphs: PostgresVectorGraphs, home: Home, shared_database: SharedDatabase
) -> None:
    wanted = await _only(graphs)
    superuser = shared_database.superuser
    await superuser.fetchval("select pg_advisory_lock(x'0be6a4'::bigint)")
    try:
        assert not await graphs.build(wanted)
        assert not await graphs.drop(wanted)
    finally:
        await superuser.fetchval("select pg_advisory_unlock(x'0be6a4'::bigint)")
    assert (await _only(graphs)).graph is GraphState.NONE
