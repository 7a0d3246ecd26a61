"""The contract of `PictureLooks`, on every adapter."""

import asyncio
from array import array
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.documents.chunking import Chunk
from domain.documents.converted_text import text_digest
from domain.documents.document import Document, DocumentNotFound, IngestLost, IngestState
from domain.documents.finding import Decision
from domain.documents.looking import MOST_LOOKS, Look
from domain.documents.structure import DocumentStructure, HiddenKind, HiddenText, Paragraph
from domain.identifiers import ChunkId
from domain.retrieval.pictures import PictureQuery, PictureVectors
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector
from fixtures.making import MODEL, NOON, VISUAL_MODEL, Home, document, passages
from fixtures.stores import Stores

TODAY = VISUAL_MODEL
YESTERDAY = replace(TODAY, name="yesterday's")
RED, BLUE = (array("f", v + [0.0] * 6) for v in ([1.0, 0.0], [0.0, 1.0]))
TEXT = DocumentStructure(
    title="A deck",
    blocks=(Paragraph(text="One."), Paragraph(text="Two.")),
    warnings=("page 3 was left out",),
    hidden=(HiddenText(text="Psst", kind=HiddenKind.WHITE),),
)


def cut(*, pictures: int = 1) -> tuple[tuple[ChunkId, Chunk, Vector], ...]:
    """Two passages of TEXT; so many pictures stand beside the first."""
    images = tuple(b"picture %d" % n for n in range(pictures))
    spans = ((0, 4), (6, 10))
    rows = passages("One.", "Two.")
    return tuple(
        (of, replace(chunk, span=spans[n], pictures=images if n == 0 else ()), vector)
        for n, (of, chunk, vector) in enumerate(rows)
    )


async def published(
    stores: Stores,
    home: Home,
    rows: tuple[tuple[ChunkId, Chunk, Vector], ...],
    *,
    seen: PictureVectors | None = None,
    filename: str = "deck.pptx",
) -> Document:
    made = await stores.documents.add(document(home, filename=filename))
    await stores.documents.publish(made, TEXT, rows, MODEL, seen)
    return await stores.documents.get(home.space, made.document_id)


async def found(stores: Stores, home: Home, vector: Vector) -> list[str]:
    near = await stores.pictures.nearest(
        home.space,
        query=PictureQuery(vector=vector, floor=0.5),
        model=TODAY,
        within=SearchFilter(),
        limit=9,
    )
    return [passage.text for passage in near]


async def taken(stores: Stores) -> Look:
    look = await stores.looks.take(TODAY)
    assert look is not None
    return look


async def test_what_no_model_or_another_one_has_seen_is_taken_once(
    stores: Stores, home: Home
) -> None:
    rows = cut()
    never = await published(stores, home, cut(), filename="never.pptx")
    seen = PictureVectors(model=YESTERDAY, vectors={rows[0][0]: BLUE})
    before = await published(stores, home, rows, seen=seen, filename="before.pptx")
    looks = [await taken(stores) for _ in range(2)]

    assert {look.document.document_id for look in looks} == {
        never.document_id,
        before.document_id,
    }
    assert {(look.looks, look.delays, look.model) for look in looks} == {(1, 0, TODAY.name)}
    assert await stores.looks.take(TODAY) is None


async def test_what_today_s_model_has_seen_or_what_holds_no_picture_is_left(
    stores: Stores, home: Home
) -> None:
    rows = cut()
    seen = PictureVectors(model=TODAY, vectors={rows[0][0]: BLUE})
    await published(stores, home, rows, seen=seen, filename="seen.pptx")
    await published(stores, home, cut(pictures=0), filename="none.pptx")

    assert await stores.looks.take(TODAY) is None


async def test_what_was_seen_takes_the_place_of_what_another_model_saw(
    stores: Stores, home: Home
) -> None:
    rows = cut()
    seen = PictureVectors(model=YESTERDAY, vectors={rows[0][0]: BLUE})
    made = await published(stores, home, rows, seen=seen)
    look = await taken(stores)
    gone = passages("Gone.")[0][0]
    vectors = {rows[1][0]: RED, gone: BLUE}
    await stores.looks.keep(
        look.document, PictureVectors(model=TODAY, vectors=vectors), ["picture 2 was left out"]
    )

    assert await found(stores, home, RED) == ["Two."]
    assert await found(stores, home, BLUE) == []
    assert not await stores.pictures.holds(home.space, YESTERDAY)
    now = await stores.documents.get(home.space, made.document_id)
    assert now.warnings == ("picture 2 was left out",)
    assert (now.state, now.chunk_count) == (IngestState.READY, 2)
    assert await stores.looks.take(TODAY) is None
    # Nor does the other model take its turn at once, where both are asked for.
    assert await stores.looks.take(YESTERDAY) is None


async def test_the_text_is_known_again_without_what_was_hidden(stores: Stores, home: Home) -> None:
    rows = cut()
    made = await published(stores, home, rows)
    finding = await stores.findings.get(home.space, made.document_id, 0)
    await stores.findings.decide(
        home.space,
        finding,
        decision=Decision.ALLOWED,
        by=home.owner,
        time=NOON,
        chunks=passages("Psst"),
        model=MODEL,
    )
    kept = await stores.looks.kept_text(made)

    assert kept.digest == text_digest(TEXT)
    assert list(kept.passages) == [(rows[0][0], (0, 4)), (rows[1][0], (6, 10))]


async def test_a_model_that_was_away_costs_no_look_and_is_waited_for(
    stores: Stores, home: Home
) -> None:
    await published(stores, home, cut())
    await stores.looks.put_off(await taken(stores), timedelta(hours=1))
    assert await stores.looks.take(TODAY) is None

    await published(stores, home, cut(), filename="other.pptx")
    for delays in range(MOST_LOOKS + 3):
        look = await taken(stores)
        assert (look.looks, look.delays) == (1, delays)
        await stores.looks.put_off(look, timedelta())


async def test_looks_that_never_end_come_to_an_end(stores: Stores, home: Home) -> None:
    await published(stores, home, cut())
    counts = []
    while look := await stores.fleeting_looks.take(TODAY):
        counts.append((look.looks, look.is_one_too_many))
    assert counts == [(1, False), (2, False), (3, False), (MOST_LOOKS + 1, True)]

    other = await stores.fleeting_looks.take(replace(TODAY, name="tomorrow's"))
    assert other is not None
    assert other.looks == 1


async def test_what_is_given_up_says_so_and_is_not_taken_again(stores: Stores, home: Home) -> None:
    made = await published(stores, home, cut())
    look = await stores.fleeting_looks.take(TODAY)
    assert look is not None
    await stores.fleeting_looks.give_up(look, ["its pictures could not be looked at"])

    assert await stores.fleeting_looks.take(TODAY) is None
    now = await stores.documents.get(home.space, made.document_id)
    assert now.warnings == ("its pictures could not be looked at",)


async def test_uploads_come_first(stores: Stores, home: Home, away: Home) -> None:
    await published(stores, home, cut())
    waiting = await stores.documents.add(document(away, filename="new.md"))
    assert await stores.looks.take(TODAY) is None

    await stores.documents.move(away.space, waiting.document_id, IngestState.CONVERTING)
    assert await stores.looks.take(TODAY) is not None


async def test_no_space_waits_until_another_is_done(stores: Stores, home: Home, away: Home) -> None:
    for number in range(30):
        await published(stores, home, cut(), filename=f"{number}.pptx")
    for name in ("a.pptx", "b.pptx"):
        await published(stores, away, cut(), filename=name)
    spaces = [(await taken(stores)).document.space_id for _ in range(24)]
    # One chance in two each time, for as long as both wait.
    assert spaces.count(away.space) == 2


async def test_two_processes_take_no_document_together(stores: Stores, home: Home) -> None:
    for number in range(6):
        await published(stores, home, cut(), filename=f"{number}.pptx")
    found = []
    while looks := await asyncio.gather(*(stores.looks.take(TODAY) for _ in range(3))):
        found += [look.document.document_id for look in looks if look]
        if not any(looks):
            break
    assert len(found) == len(set(found)) == 6


async def test_what_is_gone_or_was_taken_up_anew_is_not_written_to(
    stores: Stores, home: Home, away: Home
) -> None:
    made = await published(stores, home, cut())
    seen = PictureVectors(model=TODAY, vectors={})
    foreign = replace(made, space_id=away.space)
    with pytest.raises(DocumentNotFound):
        await stores.looks.keep(foreign, seen, [])
    with pytest.raises(IngestLost):
        await stores.looks.keep(replace(made, fence=made.fence + 1), seen, [])
    assert list((await stores.looks.kept_text(foreign)).passages) == []
    await stores.documents.delete(home.space, made.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.looks.keep(made, seen, [])
