"""WatchDocument: what changes is told, until there is nothing more to tell."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from adapters.local.clock import SystemClock
from application.documents.watch import WatchDocument
from application.runs.watch import Heartbeat
from application.runs.watchers import TooManyWatchers, WatcherLimits
from domain.documents.document import Document, DocumentNotFound, IngestState
from domain.errors import NotFound
from domain.identifiers import DocumentId
from domain.tenancy.access import Role
from fixtures.house import House, context_of
from fixtures.making import MODEL, document, new_home, new_id, passages, structure

Watch = AsyncGenerator[Document | Heartbeat]


def _watch(
    house: House, *, heartbeat_seconds: float = 60, limits: WatcherLimits | None = None
) -> WatchDocument:
    return WatchDocument(
        documents=house.stores.documents,
        clock=SystemClock(),
        limits=limits or WatcherLimits(),
        heartbeat_seconds=heartbeat_seconds,
        poll_seconds=0.001,
    )


async def _next(watch: Watch) -> Document:
    told = await asyncio.wait_for(anext(watch), 5)
    assert isinstance(told, Document)
    return told


async def test_every_step_is_told_until_it_is_ready(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    context = context_of(house.home, Role.VIEWER)
    move = house.stores.documents.move
    async with aclosing(_watch(house)(context, document_id=made.document_id)) as watch:
        assert await _next(watch) == made
        await move(made.space_id, made.document_id, IngestState.CONVERTING, done=3, total=9)
        told = await _next(watch)
        assert (told.state, told.stage_done, told.stage_total) == (IngestState.CONVERTING, 3, 9)
        await move(made.space_id, made.document_id, IngestState.EMBEDDING, done=64, total=80)
        assert (await _next(watch)).stage_done == 64
        await house.stores.documents.publish(made, structure(), passages("a"), MODEL)
        assert (await _next(watch)).state is IngestState.READY
        with pytest.raises(StopAsyncIteration):
            await _next(watch)


async def test_a_failure_ends_the_watch_with_its_reason(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    watch = _watch(house)(context_of(house.home), document_id=made.document_id)
    await _next(watch)
    await house.stores.documents.move(
        made.space_id, made.document_id, IngestState.FAILED, "encrypted"
    )
    assert (await _next(watch)).failure == "encrypted"
    with pytest.raises(StopAsyncIteration):
        await _next(watch)


async def test_what_is_over_is_told_once(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    await house.stores.documents.publish(made, structure(), passages("a"), MODEL)
    watch = _watch(house)(context_of(house.home), document_id=made.document_id)
    assert [told async for told in watch] == [
        await house.stores.documents.get(made.space_id, made.document_id)
    ]


async def test_silence_is_broken_by_heartbeats(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    watch = _watch(house, heartbeat_seconds=0.01)(
        context_of(house.home), document_id=made.document_id
    )
    async with aclosing(watch):
        await _next(watch)
        for _ in range(2):
            assert isinstance(await asyncio.wait_for(anext(watch), 5), Heartbeat)


async def test_a_document_that_goes_ends_the_watch(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    watch = _watch(house)(context_of(house.home), document_id=made.document_id)
    await _next(watch)
    await house.stores.documents.delete(made.space_id, made.document_id)
    with pytest.raises(DocumentNotFound):
        await _next(watch)


async def test_another_space_answers_as_if_it_did_not_exist(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    elsewhere = context_of(await new_home(house.stores.tenancy))
    answers = set()
    for document_id in (made.document_id, DocumentId(new_id())):
        with pytest.raises(NotFound) as refusal:
            await _next(_watch(house)(elsewhere, document_id=document_id))
        answers.add((type(refusal.value), str(refusal.value)))
    assert answers == {(DocumentNotFound, str(DocumentNotFound()))}


async def test_places_are_bounded_and_given_back(house: House) -> None:
    made = await house.stores.documents.add(document(house.home))
    watch = _watch(house, limits=WatcherLimits(a_process=1, a_space=1))
    context = context_of(house.home)
    async with aclosing(watch(context, document_id=made.document_id)) as first:
        await _next(first)
        with pytest.raises(TooManyWatchers):
            await _next(watch(context, document_id=made.document_id))
    assert await _next(watch(context, document_id=made.document_id)) == made
