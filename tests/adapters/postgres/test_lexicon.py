"""What the search knows of a space's words: counted with every change, and of no other space."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest_asyncio

from adapters.postgres.pool import Pool
from domain.documents.document import Document
from domain.identifiers import SpaceId
from domain.retrieval.query import SearchFilter
from fixtures.making import MODEL, Home, document, new_home, passages, structure
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

TOLD = "select word, chunk_count from obelisk.lexicon where space_id = $1"
COUNTED = """
select w.lexeme as word, count(*) as chunk_count
from obelisk.chunks c, unnest(c.words) w where c.space_id = $1 group by 1
"""
TOLD_SIZE = """
select chunk_count, word_count from obelisk.lexicon_sizes where space_id = $1
"""
COUNTED_SIZE = """
select count(*) as chunk_count, sum(c.word_count)::bigint as word_count
from obelisk.chunks c where c.space_id = $1 having count(*) > 0
"""
# What the documents here are called by, besides what their passages say.
CALLED = {"guid", "guide.md", "other.md", "md"}


@pytest_asyncio.fixture
async def stores(pool: Pool) -> Stores:
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


async def _publish(
    stores: Stores, home: Home, *texts: str, filename: str = "guide.md", language: str = ""
) -> Document:
    made = await stores.documents.add(document(home, filename=filename))
    structured = replace(structure(), language=language)
    await stores.documents.publish(made, structured, passages(*texts), MODEL)
    return made


async def _holds(shared: SharedDatabase, space: SpaceId) -> dict[str, int]:
    """The lexicon, which must be what a count of the passages says; without documents' names."""
    told = {row["word"]: row["chunk_count"] for row in await shared.superuser.fetch(TOLD, space)}
    counted = await shared.superuser.fetch(COUNTED, space)
    assert told == {row["word"]: row["chunk_count"] for row in counted}
    sizes = await shared.superuser.fetch(TOLD_SIZE, space)
    assert sizes == await shared.superuser.fetch(COUNTED_SIZE, space)
    return {word: count for word, count in told.items() if word not in CALLED}


async def test_words_are_counted_by_passage_when_they_come(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _publish(stores, home, "boats and boats", "boats at sea", "trees")
    assert await _holds(shared_database, home.space) == {"boat": 2, "sea": 1, "tree": 1}


async def test_a_name_makes_no_passage_longer(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _publish(stores, home, "boats at sea", filename="a very long name of a file.md")
    (size,) = await shared_database.superuser.fetch(TOLD_SIZE, home.space)
    assert (size["chunk_count"], size["word_count"]) == (1, 2)


async def test_a_file_that_is_replaced_takes_its_words_with_it(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _publish(stores, home, "boats", "trees")
    await _publish(stores, home, "boats", filename="other.md")
    await _publish(stores, home, "kayaks")
    assert await _holds(shared_database, home.space) == {"boat": 1, "kayak": 1}


async def test_a_document_that_is_deleted_takes_its_words_with_it(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    made = await _publish(stores, home, "boats", "trees")
    await _publish(stores, home, "boats", filename="other.md")
    await stores.documents.delete(home.space, made.document_id)
    assert await _holds(shared_database, home.space) == {"boat": 1}


async def test_a_space_without_passages_knows_no_words(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    made = await _publish(stores, home, "boats", "trees")
    await stores.documents.delete(home.space, made.document_id)
    assert await _holds(shared_database, home.space) == {}


async def test_an_erased_organization_leaves_no_word(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _publish(stores, home, "boats", "trees")
    await shared_database.empty()
    assert await _holds(shared_database, home.space) == {}


async def test_words_that_change_are_counted_anew(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    await _publish(stores, home, "boats", "trees")
    await shared_database.superuser.execute(
        "update obelisk.chunks set words = to_tsvector('english', 'kayaks and boats')"
        " where content = 'trees'"
    )
    assert await _holds(shared_database, home.space) == {"boat": 2, "kayak": 1}


async def test_many_who_publish_at_once_are_all_counted(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    files = [f"{number}.md" for number in range(8)]
    await asyncio.gather(
        *(_publish(stores, home, "boats", f"trees {name}", filename=name) for name in files)
    )
    assert (await _holds(shared_database, home.space))["boat"] == 8


async def test_a_word_weighs_by_its_own_space_alone(
    stores: Stores, home: Home, shared_database: SharedDatabase
) -> None:
    """Elsewhere the words are as rare as they are common here, and the other way around."""
    await _publish(stores, home, "boats", "kayaks kayaks", *["boats and trees"] * 8)
    before = await _ranked(stores, home, "boats kayaks")
    away = await new_home(stores.tenancy)
    await _publish(stores, away, *["kayaks"] * 40, "boats")
    assert await _ranked(stores, home, "boats kayaks") == before
    assert before[:2] == ["kayaks kayaks", "boats"]
    assert (await _ranked(stores, away, "boats kayaks"))[0] == "boats"
    assert await _holds(shared_database, home.space) == {"boat": 9, "kayak": 1, "tree": 8}


async def test_each_document_is_taken_apart_by_its_own_language(stores: Stores, home: Home) -> None:
    await _publish(stores, home, "Die Häuser am Fjord", filename="de.md", language="de")
    await _publish(stores, home, "Houses by the lake", filename="en.md", language="en")
    assert await _ranked(stores, home, "Welches Haus?") == ["Die Häuser am Fjord"]
    assert await _ranked(stores, home, "the house") == ["Houses by the lake"]
    assert len(await _ranked(stores, home, "Haus or house")) == 2


async def test_a_question_of_common_words_finds_what_holds_most_of_them(
    stores: Stores, home: Home
) -> None:
    """So many hold each word that not all of them are scored."""
    common = [f"boats number {n}" for n in range(1500)]
    for start in range(0, 1500, 500):
        texts = common[start : start + 500]
        await _publish(stores, home, *texts, filename=f"{start}.md")
    await _publish(stores, home, "boats boats number number", filename="best.md")
    assert (await _ranked(stores, home, "boats number"))[0] == "boats boats number number"


async def _ranked(stores: Stores, home: Home, text: str) -> Sequence[str]:
    found = await stores.index.search(
        home.space, text=text, vector=None, model=MODEL, within=SearchFilter(), limit=10
    )
    return [ranked.passage.text for ranked in found]
