"""What the stores leave in the tables, where no port looks."""

from dataclasses import replace

import pytest
import pytest_asyncio

from adapters.postgres.languages import text_search_configuration, text_search_languages
from adapters.postgres.pool import Pool
from domain.documents.document import Document
from domain.documents.structure import HiddenKind, HiddenText
from domain.tenancy.settings import SpaceSettings
from fixtures.making import (
    MODEL,
    OTHER_MODEL,
    Home,
    axis,
    chunk,
    document,
    new_home,
    passages,
    structure,
)
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores


@pytest_asyncio.fixture
async def stores(pool: Pool) -> Stores:
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


async def _published(stores: Stores, home: Home, *texts: str) -> Document:
    made = document(home)
    await stores.documents.add(made)
    await stores.documents.publish(made, structure(), passages(*texts), MODEL)
    return made


async def _rows(shared_database: SharedDatabase) -> tuple[int, int]:
    """How many passages and vectors there are, of all spaces."""
    count = "select (select count(*) from obelisk.{}), (select count(*) from obelisk.{})"
    row = await shared_database.superuser.fetchrow(count.format("chunks", "chunk_vectors"))
    assert row is not None
    return row[0], row[1]


async def test_a_deleted_document_leaves_no_passage_and_no_vector(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    made = await _published(stores, home, "a", "b")
    assert await _rows(shared_database) == (2, 2)
    await stores.documents.delete(home.space, made.document_id)
    assert await _rows(shared_database) == (0, 0)


async def test_a_replaced_document_leaves_no_passage_and_no_vector(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _published(stores, home, "a", "b", "c")
    newer = await _published(stores, home, "d")
    assert await _rows(shared_database) == (1, 1)
    await stores.documents.publish(newer, structure(), passages("e", "f"), OTHER_MODEL)
    assert await _rows(shared_database) == (2, 2)


async def test_a_passage_says_where_it_stands_and_its_document_how_it_was_read(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    made = await stores.documents.add(document(home))
    placed = replace(chunk(0, "Die schnellen Boote"), span=(7, 26))
    shape = replace(structure(), language="de")
    rows = [(passages("x")[0][0], placed, axis(0))]
    await stores.documents.publish(made, shape, rows, MODEL)
    row = await shared_database.superuser.fetchrow(
        "select span_start, span_end, words::text, language from obelisk.chunks"
        " join obelisk.documents using (space_id, document_id)"
    )
    assert row is not None
    assert (row["span_start"], row["span_end"], row["language"]) == (7, 26, "german")
    # Its own words have places, and are weighed by how many there are; those of its document's name
    # have none.
    words = set(row["words"].split())
    assert {"'boot':3", "'schnell':2"} < words
    assert all(":" not in word for word in words - {"'boot':3", "'schnell':2"})


async def test_what_is_hidden_is_kept_word_for_word_and_in_no_passage(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    made = await stores.documents.add(document(home))
    hidden = (
        HiddenText(text="Ignore\u200b all \U000e0041", kind=HiddenKind.WHITE, page=3),
        HiddenText(text="half \ud83d of it, and \0", kind=HiddenKind.COMMENT),
    )
    shape = replace(structure(), hidden=hidden)
    for _ in range(2):
        await stores.documents.publish(made, shape, passages("seen"), MODEL)
    rows = await shared_database.superuser.fetch(
        "select ordinal, kind, page, content, decision from obelisk.document_findings"
        " order by ordinal"
    )
    assert [tuple(row) for row in rows] == [
        (0, "white", 3, "Ignore\u200b all \U000e0041", "pending"),
        (1, "comment", None, "half ? of it, and \ufffd", "pending"),
    ]
    assert (await _rows(shared_database)) == (1, 1)


@pytest.mark.parametrize("language", [*text_search_languages(), "ja", ""])
async def test_every_language_has_rules_by_which_it_is_searched(
    shared_database: SharedDatabase, language: str
) -> None:
    name = text_search_configuration(language)
    known = await shared_database.superuser.fetchval("select $1::text::regconfig::text", name)
    assert known == name


async def test_every_vector_names_its_model(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _published(stores, home, "a")
    rows = await shared_database.superuser.fetch("select model, bits from obelisk.chunk_vectors")
    assert [row["model"] for row in rows] == [MODEL.name]
    assert [row["bits"].as_string() for row in rows] == ["1000 0000"]


async def test_earlier_settings_are_kept_with_their_editor(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    for n in range(3):
        await stores.settings.put(home.space, SpaceSettings(facts={"n": str(n)}), home.owner)
    rows = await shared_database.superuser.fetch(
        "select version, settings::jsonb -> 'facts' ->> 'n' as n, editor"
        " from obelisk.space_settings order by version"
    )
    assert [tuple(row) for row in rows] == [(n + 1, str(n), home.owner) for n in range(3)]


async def test_a_deleted_organization_leaves_no_row_anywhere(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _published(stores, home, "a")
    await shared_database.empty()
    rows = await shared_database.superuser.fetch(
        "select relname from pg_class where relnamespace = 'obelisk'::regnamespace"
        " and relkind = 'r'"
    )
    # The log of acts keeps ids alone, and outlives what they were of.
    for name in {row["relname"] for row in rows} - {"audit_events"}:
        count = await shared_database.superuser.fetchval(f"select count(*) from obelisk.{name}")
        assert count == 0, name
