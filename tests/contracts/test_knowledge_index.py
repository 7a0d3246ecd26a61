"""The contract of `KnowledgeIndex`, on every adapter."""

import asyncio
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.documents.document import Collection, Document, IngestState
from domain.documents.media import MediaType
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import EmbeddingModel, Vector
from fixtures.making import (
    MODEL,
    NOON,
    OTHER_MODEL,
    Home,
    axis,
    document,
    new_id,
    passages,
    structure,
)
from fixtures.stores import Stores

EVERYWHERE = frozenset(Collection)


async def _published(
    stores: Stores,
    home: Home,
    *texts: str,
    collection: Collection = Collection.GENERAL,
    model: EmbeddingModel = MODEL,
    vectors: tuple[Vector, ...] = (),
) -> Document:
    made = document(home, filename=f"{new_id()}.md", collection=collection)
    await stores.documents.add(made)
    await stores.documents.publish(made, structure(), passages(*texts, vectors=vectors), model)
    return made


async def _hybrid(
    stores: Stores,
    space: SpaceId,
    text: str,
    vector: Vector | None = None,
    *,
    model: EmbeddingModel = MODEL,
    collections: frozenset[Collection] = EVERYWHERE,
    limit: int = 10,
) -> list[str]:
    found = await stores.index.hybrid(
        space, text=text, vector=vector, model=model, collections=collections, limit=limit
    )
    return [passage.text for passage in found]


async def _of(
    stores: Stores,
    space: SpaceId,
    documents: Sequence[DocumentId],
    vector: Vector | None = None,
    *,
    model: EmbeddingModel = MODEL,
    limit: int = 10,
) -> list[str]:
    found = await stores.index.of_documents(
        space, documents=documents, vector=vector, model=model, limit=limit
    )
    return [passage.text for passage in found]


async def test_an_empty_space_has_nothing_to_find(stores: Stores, home: Home) -> None:
    assert await _hybrid(stores, home.space, "boats", axis(0)) == []


async def test_a_passage_is_found_by_one_of_the_words(stores: Stores, home: Home) -> None:
    await _published(stores, home, "Wooden boats for the fjord", "Prices and terms")
    question = "Which boats, please, would suit an elderly gentleman?"
    assert await _hybrid(stores, home.space, question) == ["Wooden boats for the fjord"]


async def test_a_passage_is_found_by_its_headings(stores: Stores, home: Home) -> None:
    made = document(home)
    await stores.documents.add(made)
    ((chunk_id, chunk, vector),) = passages("12 months")
    headed = type(chunk)(
        ordinal=0,
        text=chunk.text,
        section_path=("Warranty",),
        page=None,
        kind=chunk.kind,
        token_count=4,
        context="Warranty",
    )
    await stores.documents.publish(made, structure(), [(chunk_id, headed, vector)], MODEL)
    assert await _hybrid(stores, home.space, "warranty") == ["12 months"]


async def test_a_passage_is_found_by_meaning(stores: Stores, home: Home) -> None:
    await _published(stores, home, "alpha", "beta", "gamma")
    found = await _hybrid(stores, home.space, "unrelated", axis(1, toward=2))
    assert found == ["beta", "gamma", "alpha"]


async def test_what_both_find_comes_before_what_one_finds(stores: Stores, home: Home) -> None:
    await _published(
        stores,
        home,
        "near",
        "boats afar",
        "boats near",
        vectors=(axis(0), axis(5), axis(0, toward=1)),
    )
    found = await _hybrid(stores, home.space, "boats", axis(0, toward=1))
    assert found[0] == "boats near"
    assert sorted(found) == ["boats afar", "boats near", "near"]


async def test_each_passage_is_found_once(stores: Stores, home: Home) -> None:
    await _published(stores, home, "boats", "more boats")
    found = await _hybrid(stores, home.space, "boats and more boats", axis(0))
    assert sorted(found) == ["boats", "more boats"]


async def test_only_the_named_collections_are_searched(stores: Stores, home: Home) -> None:
    for collection in Collection:
        await _published(stores, home, f"boats {collection.value}", collection=collection)
    named = frozenset({Collection.BRAND, Collection.WEB})
    for vector in (None, axis(0)):
        found = await _hybrid(stores, home.space, "boats", vector, collections=named)
        assert sorted(found) == ["boats brand", "boats web"]
        assert await _hybrid(stores, home.space, "boats", vector, collections=frozenset()) == []


async def test_vectors_of_another_model_are_not_compared(stores: Stores, home: Home) -> None:
    await _published(stores, home, "kayak")
    other = await _published(stores, home, "sailboat", model=OTHER_MODEL)
    assert await _hybrid(stores, home.space, "", axis(0)) == ["kayak"]
    assert await _hybrid(stores, home.space, "", axis(0), model=OTHER_MODEL) == ["sailboat"]
    # By words and by its document it is found all the same.
    found = await _hybrid(stores, home.space, "sailboat", axis(0))
    assert sorted(found) == ["kayak", "sailboat"]
    assert await _of(stores, home.space, [other.document_id], axis(0)) == ["sailboat"]


async def test_a_model_with_other_dimensions_is_no_trouble(stores: Stores, home: Home) -> None:
    await _published(stores, home, "ours")
    wide = EmbeddingModel(name="wide", dimensions=16, max_tokens=256)
    vector = axis(0) + axis(1)
    made = await _published(stores, home, "wide", model=wide, vectors=(vector,))
    assert await _hybrid(stores, home.space, "", vector, model=wide) == ["wide"]
    assert await _hybrid(stores, home.space, "", axis(0)) == ["ours"]
    assert await _of(stores, home.space, [made.document_id], axis(0)) == ["wide"]


async def test_a_limit_keeps_the_best(stores: Stores, home: Home) -> None:
    await _published(stores, home, *(f"boats {n}" for n in range(7)))
    everything = await _hybrid(stores, home.space, "", axis(3, toward=5))
    assert everything[:2] == ["boats 3", "boats 5"]
    assert len(everything) == 7
    assert await _hybrid(stores, home.space, "", axis(3, toward=5), limit=2) == everything[:2]
    assert len(await _hybrid(stores, home.space, "boats", limit=4)) == 4
    assert await _hybrid(stores, home.space, "boats", axis(3), limit=0) == []


async def test_another_space_is_never_searched(stores: Stores, home: Home, away: Home) -> None:
    made = await _published(stores, home, "our secret boats")
    assert await _hybrid(stores, away.space, "secret boats", axis(0)) == []
    assert await _of(stores, away.space, [made.document_id], axis(0)) == []
    assert await _of(stores, away.space, [made.document_id]) == []
    theirs = await _published(stores, away, "their boats")
    assert await _hybrid(stores, away.space, "secret boats", axis(0)) == ["their boats"]
    both = [made.document_id, theirs.document_id]
    assert await _of(stores, home.space, both) == ["our secret boats"]


async def test_searches_of_two_spaces_at_once_stay_apart(
    stores: Stores, home: Home, away: Home
) -> None:
    await _published(stores, home, "boats of home")
    await _published(stores, away, "boats of away")
    spaces = [home.space, away.space] * 20
    found = await asyncio.gather(*(_hybrid(stores, s, "boats", axis(0)) for s in spaces))
    assert found == [["boats of home"], ["boats of away"]] * 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t",
        "the and of it",
        "'",
        "''",
        "\\",
        "\\' & !",
        "&",
        "| ! & ( ) :* <-> *",
        "a:* & !b | 'c",
        "boat's & <2> 'it''s'",
        "%_ $1 {} \x07 \u202e \u200b 🎉 数据 \U000e0041",
        "http://example.com/a?b=1&c=2#d e-mail@example.com 1.5e3 -7 <a href='x & y'>",
        "x" * 8000,
        "word " * 1600,
    ],
    ids=lambda text: repr(text[:24]),
)
async def test_any_text_is_a_question(stores: Stores, home: Home, text: str) -> None:
    await _published(stores, home, "alpha", "beta")
    assert await _hybrid(stores, home.space, text) == []
    assert await _hybrid(stores, home.space, text, axis(1)) == ["beta", "alpha"]


@pytest.mark.parametrize(
    "text", ["boats & !fjord", "'boats", "boats'", "(boats", "boats:*", "boats <-> sail", "!boats"]
)
async def test_operators_in_a_question_are_no_operators(
    stores: Stores, home: Home, text: str
) -> None:
    await _published(stores, home, "boats")
    assert await _hybrid(stores, home.space, text) == ["boats"]


async def test_odd_words_are_found_as_well(stores: Stores, home: Home) -> None:
    await _published(
        stores, home, "Nordlys-9000 kayak", "see example.com/a?b=1&c=2", "Größe und Preis"
    )
    assert await _hybrid(stores, home.space, "is the Nordlys-9000 good") == ["Nordlys-9000 kayak"]
    found = await _hybrid(stores, home.space, "what is at example.com/a?b=1&c=2 now")
    assert found == ["see example.com/a?b=1&c=2"]
    assert await _hybrid(stores, home.space, "welche Größe") == ["Größe und Preis"]


@pytest.mark.parametrize(
    "question", ["what is in price-list_2026.xlsx?", "the price list", "Summer Catalogue"]
)
async def test_a_passage_is_found_by_its_documents_name_and_title(
    stores: Stores, home: Home, question: str
) -> None:
    made = document(home, filename="Price-List_2026.xlsx")
    await stores.documents.add(made)
    await stores.documents.publish(made, structure("Summer catalogue"), passages("boats"), MODEL)
    await _published(stores, home, "kayaks")
    assert await _hybrid(stores, home.space, question) == ["boats"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("返品は三十日以内です。東京都の倉庫から発送します。", "東京の倉庫はどこですか"),
        ("我们的仓库位于上海市浦东新区。", "上海"),
        ("我们卖茶和咖啡。", "茶"),
        ("신제품은 서울에서 발송합니다.", "서울"),
        ("นโยบายการคืนสินค้าสำหรับลูกค้า", "คืนสินค้า"),
        ("iPhone15を買う方法", "iphone15"),
        ("ｶﾀﾛｸﾞ ＡＢＣ１２３", "カタログ"),
        ("ｶﾀﾛｸﾞ ＡＢＣ１２３", "abc123"),
        (unicodedata.normalize("NFD", "Größe"), "größe"),
        ("Größe", unicodedata.normalize("NFD", "größe")),
        ("the oﬃce", "office"),
        ("Donau­dampf­schiff", "donaudampfschiff"),
        ("Obelisk™ tins¹", "obelisk"),
    ],
)
async def test_words_are_found_however_they_are_spelled(
    stores: Stores, home: Home, text: str, question: str
) -> None:
    await _published(stores, home, "Prices and terms", text)
    assert await _hybrid(stores, home.space, question) == [text]


async def test_documents_that_are_not_ready_are_not_found(stores: Stores, home: Home) -> None:
    made = await _published(stores, home, "boats")
    await stores.documents.move(home.space, made.document_id, IngestState.FAILED, "broken")
    assert await _hybrid(stores, home.space, "boats", axis(0)) == []
    assert await _of(stores, home.space, [made.document_id]) == []


async def test_passages_of_documents_come_in_reading_order(stores: Stores, home: Home) -> None:
    first = await _published(stores, home, "one", "two", "three")
    await _published(stores, home, "not asked for")
    second = await _published(stores, home, "four", "five")
    both = [second.document_id, first.document_id]
    assert await _of(stores, home.space, both) == ["one", "two", "three", "four", "five"]
    assert await _of(stores, home.space, both, limit=2) == ["one", "four"]
    assert await _of(stores, home.space, both, limit=4) == ["one", "two", "four", "five"]
    assert await _of(stores, home.space, [first.document_id], limit=2) == ["one", "two"]
    assert await _of(stores, home.space, []) == []
    assert await _of(stores, home.space, [DocumentId(new_id())]) == []


async def test_passages_of_documents_come_nearest_first_with_a_vector(
    stores: Stores, home: Home
) -> None:
    first = await _published(stores, home, "one", "two", "three")
    second = await _published(stores, home, "four", vectors=(axis(2, toward=5),))
    both = [first.document_id, second.document_id]
    near = await _of(stores, home.space, both, axis(2))
    assert near[:2] == ["three", "four"]
    assert sorted(near) == ["four", "one", "three", "two"]
    assert await _of(stores, home.space, both, axis(2), limit=1) == ["three"]


async def test_a_long_document_leaves_room_to_another_that_is_named(
    stores: Stores, home: Home
) -> None:
    near = tuple(axis(0) for _ in range(9))
    long = await _published(stores, home, *(f"long {n}" for n in range(9)), vectors=near)
    short = await _published(stores, home, "far", vectors=(axis(5),))
    both = [long.document_id, short.document_id]
    found = await _of(stores, home.space, both, axis(0), limit=4)
    assert found == ["long 0", "long 1", "long 2", "far"]


async def test_a_passage_tells_where_it_is_from(stores: Stores, home: Home) -> None:
    made = await _published(stores, home, "boats", collection=Collection.PRODUCT)
    (found,) = await stores.index.hybrid(
        home.space,
        text="boats",
        vector=None,
        model=MODEL,
        collections=EVERYWHERE,
        limit=1,
    )
    assert found == Passage(
        chunk_id=found.chunk_id,
        document_id=made.document_id,
        title="A guide",
        filename=made.filename,
        collection=Collection.PRODUCT,
        section_path=(),
        page=1,
        text="boats",
    )


async def _search(
    stores: Stores,
    space: SpaceId,
    text: str,
    vector: Vector | None = None,
    within: SearchFilter | None = None,
) -> tuple[RankedPassage, ...]:
    return await stores.index.search(
        space,
        text=text,
        vector=vector,
        model=MODEL,
        within=within or SearchFilter(),
        limit=10,
    )


async def test_a_rare_word_weighs_more_than_common_ones(stores: Stores, home: Home) -> None:
    await _published(
        stores, home, "red boats here", "kayak", *(f"red boats {n} there" for n in range(6))
    )
    found = await _search(stores, home.space, "red boats or a kayak")
    assert found[0].passage.text == "kayak"


async def test_a_word_that_stands_more_often_ranks_higher(stores: Stores, home: Home) -> None:
    await _published(stores, home, "boats trees trees", "boats boats trees", "trees trees trees")
    found = await _search(stores, home.space, "boats")
    assert [r.passage.text for r in found] == ["boats boats trees", "boats trees trees"]


async def test_a_passage_tells_its_rank_in_each_half(stores: Stores, home: Home) -> None:
    await _published(stores, home, "boats", "trees", vectors=(axis(0), axis(0, toward=1)))
    found = await _search(stores, home.space, "boats", axis(0, toward=1))
    ranks = {r.passage.text: (r.semantic_rank, r.lexical_rank) for r in found}
    assert ranks == {"boats": (2, 1), "trees": (1, None)}
    (by_words,) = await _search(stores, home.space, "boats")
    assert (by_words.semantic_rank, by_words.lexical_rank) == (None, 1)
    assert by_words.score > 0


async def test_only_documents_that_pass_the_filter_are_searched(
    stores: Stores, home: Home, away: Home
) -> None:
    ids = {}
    for number, media_type in enumerate((MediaType.PDF, MediaType.MARKDOWN, MediaType.PDF)):
        made = replace(
            document(home, filename=f"{number}"),
            media_type=media_type,
            create_time=NOON + timedelta(days=number),
        )
        await stores.documents.add(made)
        rows = passages(f"boats {number}", vectors=(axis(number),))
        await stores.documents.publish(made, structure(), rows, MODEL)
        ids[number] = made.document_id
    theirs = await _published(stores, away, "boats of others")
    cases = {
        SearchFilter(): [0, 1, 2],
        SearchFilter(media_types=frozenset({MediaType.PDF})): [0, 2],
        SearchFilter(media_types=frozenset()): [],
        SearchFilter(documents=frozenset({ids[1], ids[2]})): [1, 2],
        SearchFilter(documents=frozenset({theirs.document_id})): [],
        SearchFilter(created_from=NOON + timedelta(days=1)): [1, 2],
        SearchFilter(created_before=NOON + timedelta(days=1)): [0],
        SearchFilter(
            media_types=frozenset({MediaType.PDF}), created_from=NOON + timedelta(hours=1)
        ): [2],
        SearchFilter(collections=frozenset({Collection.BRAND})): [],
    }
    for within, expected in cases.items():
        for vector in (None, axis(0)):
            found = await _search(stores, home.space, "boats", vector, within)
            texts = sorted(ranked.passage.text for ranked in found)
            assert texts == [f"boats {number}" for number in expected], within
