"""The contract of `PictureIndex`, and of the pictures that `DocumentStore` keeps for it."""

from array import array
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.documents.document import Collection, Document, IngestState
from domain.documents.media import MediaType
from domain.identifiers import ChunkId
from domain.retrieval.pictures import PictureQuery, PictureVectors, VisualModel
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector
from fixtures.making import MODEL, NOON, Home, document, passages, structure
from fixtures.stores import Stores

VISUAL = VisualModel(name="seeing", dimensions=3, text_floor=0.1, picture_floor=0.5)
OTHER = replace(VISUAL, name="other")
RED, GREEN, BLUE = (array("f", v) for v in ([1, 0, 0], [0, 1, 0], [0, 0, 1]))
PURPLE = array("f", [0.6, 0, 0.8])
EVERYTHING = SearchFilter()


async def published(
    stores: Stores,
    home: Home,
    pictures: Mapping[str, Vector],
    *,
    model: VisualModel = VISUAL,
    made: Document | None = None,
) -> Document:
    """A document with a passage of each name, which shows such a picture."""
    made = await stores.documents.add(made or document(home))
    rows = passages(*pictures, "words alone")
    ids = [chunk_id for chunk_id, _, _ in rows]
    vectors: dict[ChunkId, Vector] = dict(zip(ids, pictures.values(), strict=False))
    shown = PictureVectors(model=model, vectors=vectors)
    await stores.documents.publish(made, structure(), rows, MODEL, shown)
    return made


async def found(
    stores: Stores,
    home: Home,
    vector: Vector,
    *,
    floor: float = 0.1,
    model: VisualModel = VISUAL,
    within: SearchFilter = EVERYTHING,
    limit: int = 10,
) -> list[str]:
    query = PictureQuery(vector=vector, floor=floor)
    near = await stores.pictures.nearest(
        home.space, query=query, model=model, within=within, limit=limit
    )
    return [passage.text for passage in near]


async def test_the_likest_pictures_come_first_and_no_others(stores: Stores, home: Home) -> None:
    await published(stores, home, {"red": RED, "green": GREEN, "blue": BLUE, "purple": PURPLE})
    assert await found(stores, home, BLUE) == ["blue", "purple"]
    assert await found(stores, home, PURPLE, floor=0.7) == ["purple", "blue"]
    assert await found(stores, home, PURPLE, limit=1) == ["purple"]


async def test_the_passage_comes_with_its_place(stores: Stores, home: Home) -> None:
    made = await published(stores, home, {"red": RED})
    query = PictureQuery(vector=RED, floor=0.5)
    (passage,) = await stores.pictures.nearest(
        home.space, query=query, model=VISUAL, within=EVERYTHING, limit=5
    )
    words = await stores.index.of_documents(
        home.space, documents=[made.document_id], vector=None, model=MODEL, limit=1
    )
    assert (passage,) == words


async def test_another_space_finds_none_of_them(stores: Stores, home: Home, away: Home) -> None:
    await published(stores, home, {"red": RED})
    assert await found(stores, away, RED) == []
    assert await stores.pictures.holds(home.space, VISUAL)
    assert not await stores.pictures.holds(away.space, VISUAL)


async def test_models_are_never_compared(stores: Stores, home: Home) -> None:
    await published(stores, home, {"red": RED})
    assert await found(stores, home, RED, model=OTHER) == []
    assert not await stores.pictures.holds(home.space, OTHER)


async def test_a_filter_narrows_it(stores: Stores, home: Home) -> None:
    made = await published(stores, home, {"red": RED})
    day = timedelta(days=1)
    for within in (
        SearchFilter(collections=frozenset({Collection.BRAND})),
        SearchFilter(media_types=frozenset({MediaType.PDF})),
        SearchFilter(documents=frozenset()),
        SearchFilter(created_from=NOON + day),
        SearchFilter(created_before=NOON - day),
    ):
        assert await found(stores, home, RED, within=within) == []
    within = SearchFilter(
        collections=frozenset({Collection.GENERAL}),
        media_types=frozenset({MediaType.MARKDOWN}),
        documents=frozenset({made.document_id}),
        created_from=NOON - day,
        created_before=NOON + day,
    )
    assert await found(stores, home, RED, within=within) == ["red"]


async def test_a_document_that_is_not_ready_is_not_found(stores: Stores, home: Home) -> None:
    made = await published(stores, home, {"red": RED})
    await stores.documents.move(home.space, made.document_id, IngestState.CONVERTING)
    assert await found(stores, home, RED) == []


async def test_publishing_again_leaves_exactly_the_new_pictures(stores: Stores, home: Home) -> None:
    made = await published(stores, home, {"red": RED})
    shown = PictureVectors(model=VISUAL, vectors={})
    await stores.documents.publish(made, structure(), passages("new"), MODEL, shown)
    assert not await stores.pictures.holds(home.space, VISUAL)


async def test_a_newer_version_takes_the_place_of_the_pictures(stores: Stores, home: Home) -> None:
    await published(stores, home, {"red": RED})
    await published(stores, home, {"green": GREEN})
    assert await found(stores, home, RED) == []
    assert await found(stores, home, GREEN) == ["green"]


async def test_a_deleted_document_leaves_no_picture(stores: Stores, home: Home) -> None:
    made = await published(stores, home, {"red": RED})
    await stores.documents.delete(home.space, made.document_id)
    assert not await stores.pictures.holds(home.space, VISUAL)


@pytest.mark.parametrize(("seen_by", "known"), [(None, True), (VISUAL, True), (OTHER, False)])
async def test_the_same_bytes_are_known_to_the_model_that_looked_at_them(
    stores: Stores, home: Home, seen_by: VisualModel | None, known: bool
) -> None:
    made = await published(stores, home, {})
    again = document(home, filename=made.filename)
    added = await stores.documents.add(again, known_to=MODEL, seen_by=seen_by)
    assert (added.document_id == made.document_id) is known
