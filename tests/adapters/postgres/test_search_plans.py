"""The plans of a search among many passages, as the role that runs it gets them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from domain.documents.document import IngestState
from fixtures.making import NOON, Home, document, new_home
from fixtures.postgres import Database, PostgresServer, shared
from fixtures.stores import postgres_stores

ROWS = 1500
# How many passages, and of how many dimensions, by model.
MODELS = {"small": 384, "large": 3072}
CHUNKS = f"""
insert into obelisk.chunks (space_id, chunk_id, document_id, ordinal, kind, collection,
                            section_path, content, token_count, words)
select $1, gen_random_uuid(), $2, n, 'prose', 'general', '{{}}', 'boat ' || n, 2,
       to_tsvector('english',
                   case n % 50 when 0 then 'boat' else 'tree' end || ' red green blue dry')
from generate_series(1, {ROWS}) n
"""
VECTORS = """
insert into obelisk.chunk_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, chunk_id, 'general', array_agg(random() - 0.5)::real[]::halfvec
from obelisk.chunks, generate_series(1, $3) where space_id = $1 group by chunk_id
"""
EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set auto_explain.log_level = notice;
set auto_explain.log_analyze = on;
set role obelisk_app;
"""
SEARCH = """
select * from obelisk.search(
  $1, $6, array_fill(0.05, array[$3::integer])::real[]::halfvec, $2, '{general}',
  null, $4, $5, null, 10)
"""
BITS, WORDS, FUSED = "v.bits <~> v_bits", "c.words @@", "moved_bounds as materialized"
NEAREST, ONLY = "v.chunk_id = any (p_chunks)", "c.chunk_id = any (p_only)"
SCORED = """
select w.chunk_id, w.score from obelisk.by_words(
  $1, array(select a from obelisk.asked_words($1, $2) a), '{general}', null, 2000,
  case when $3 then array(select c.chunk_id from obelisk.chunks c where c.space_id = $1) end) w
"""


@pytest_asyncio.fixture(scope="module")
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    async with postgres_server.database() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def home(database: Database) -> Home:
    """One of two spaces full of passages."""
    async with shared(database) as filled:
        stores = postgres_stores(filled.pool)
        for _ in range(2):
            home = await new_home(stores.tenancy)
            made = document(home)
            await stores.documents.add(made)
            await stores.documents.move(home.space, made.document_id, IngestState.READY)
            await filled.superuser.execute(CHUNKS, home.space, made.document_id)
            for model, dimensions in MODELS.items():
                await filled.superuser.execute(VECTORS, home.space, model, dimensions)
        for table in ("chunks", "chunk_vectors"):
            await filled.superuser.execute(f"vacuum analyze obelisk.{table}")
    return home


@pytest_asyncio.fixture
async def connection(
    database: Database,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's session, as obelisk_app, that tells the plan of whatever it runs."""
    opened = await asyncpg.connect(database.superuser_dsn)
    await opened.execute(EXPLAIN)
    yield opened
    await opened.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Which documents, and from when on."""

    documents: list[UUID] | None = None
    created_from: datetime | None = None


async def _plans(
    connection: "asyncpg.Connection[asyncpg.Record]",
    home: Home,
    part: str,
    model: str = "small",
    narrowed: Narrowed | None = None,
    question: str = "boats",
) -> list[list[str]]:
    """The first plan of a part, and one for values that are not known beforehand."""
    by = narrowed or Narrowed()
    said: list[str] = []
    connection.add_log_listener(lambda _, message: said.append(message.message))
    values = home.space, model, MODELS[model], by.documents, by.created_from, question
    for _ in range(7):
        assert len(await connection.fetch(SEARCH, *values)) == 10
    inner = [text.splitlines() for text in said if part in text.partition("\n")[2][:2000]]
    assert len(inner) == 7
    return [[line.strip() for line in text] for text in (inner[0], inner[-1])]


def _condition(plan: list[str], scan: str) -> str:
    """The index condition of the scan; empty without such a scan."""
    place = next((n for n, line in enumerate(plan) if scan in line), None)
    return plan[place + 1] if place is not None else ""


async def test_words_are_found_through_the_full_text_index(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home
) -> None:
    for plan in await _plans(connection, home, WORDS):
        condition = _condition(plan, "Bitmap Index Scan on chunks_words")
        assert "space_id =" in condition
        assert "@@" in condition


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("narrowed", [False, True], ids=["everywhere", "narrowed"])
async def test_sign_bits_are_read_from_their_index_alone(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home, model: str, narrowed: bool
) -> None:
    by = Narrowed(created_from=NOON) if narrowed else Narrowed()
    for plan in await _plans(connection, home, BITS, model, by):
        condition = _condition(plan, "Index Only Scan using chunk_vectors_bits")
        assert "space_id =" in condition
        assert "model =" in condition
        assert "collection =" in condition
        fetches = {line for line in plan if line.startswith("Heap Fetches")}
        assert fetches == {"Heap Fetches: 0"}
        assert not any("Seq Scan" in line for line in plan)


async def test_the_nearest_are_compared_by_rows_that_are_read_together(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home
) -> None:
    for plan in await _plans(connection, home, NEAREST):
        condition = _condition(plan, "Bitmap Index Scan on chunk_vectors_pkey")
        assert "chunk_id = ANY" in condition
        assert "space_id =" in condition


async def test_words_of_what_only_meaning_has_found_are_read_by_passage(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home
) -> None:
    """Where a word is so common that not every passage with it is scored."""
    for plan in await _plans(
        connection, home, ONLY, question="dry trees, red, green or blue boats"
    ):
        assert any("Index Cond" in line and "chunk_id = ANY" in line for line in plan)


async def test_nothing_is_left_to_score_where_the_words_are_rare(
    database: Database, home: Home
) -> None:
    """So a search for rare words may take each passage that they do not bring for nothing."""
    superuser = await asyncpg.connect(database.superuser_dsn)
    try:
        found = {
            row[0]: row[1] for row in await superuser.fetch(SCORED, home.space, "boats", False)
        }
        by_name = await superuser.fetch(SCORED, home.space, "boats", True)
    finally:
        await superuser.close()
    assert len(found) == ROWS // 50
    assert len(by_name) == ROWS
    assert {row["chunk_id"]: row["score"] for row in by_name if row["score"]} == found


async def test_what_was_found_is_looked_up_passage_by_passage(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home
) -> None:
    """Never by way of their documents: a plan that reads a whole space has been seen.

    And in their order, so that no more are looked up than are wanted.
    """
    for plan in await _plans(connection, home, FUSED):
        assert "chunk_id =" in _condition(plan, "Index Scan using chunks_pkey")
        (looked_up,) = (line for line in plan if " on chunks" in line)
        assert "loops=10)" in looked_up


async def test_row_level_security_would_keep_the_full_text_index_from_being_used(
    connection: "asyncpg.Connection[asyncpg.Record]", home: Home
) -> None:
    """Why the search runs as a role of its own; should this ever fail, it need not any more."""
    async with connection.transaction():
        await connection.execute(f"set local app.space_id = '{home.space}'")
        plan = await connection.fetch(
            "explain select * from obelisk.chunks"
            " where space_id = obelisk.current_space() and words @@ 'boat'::tsquery"
        )
    conditions = [row[0] for row in plan if "Cond" in row[0]]
    assert any("space_id =" in line for line in conditions)
    assert not any("@@" in line for line in conditions)


@pytest.mark.parametrize(
    ("passages", "graph", "narrowed", "way"),
    [
        (1, False, False, "exact"),
        (400, False, False, "exact"),
        (401, False, False, "bits"),
        (80_000, False, False, "bits"),
        (80_000, True, False, "graph"),
        (300, True, False, "graph"),
        (80_000, True, True, "bits"),
        (300, False, True, "bits"),
    ],
)
async def test_the_way_to_the_nearest_goes_by_the_size_of_the_space(
    connection: "asyncpg.Connection[asyncpg.Record]",
    passages: int,
    graph: bool,
    narrowed: bool,
    way: str,
) -> None:
    ask = "select obelisk.way_to_the_nearest($1, $2, $3)"
    assert await connection.fetchval(ask, passages, graph, narrowed) == way
