"""The contract of `UploadStore`, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.documents.document import Collection
from domain.documents.upload import TooManyUploads, Upload, UploadNotFound, WrongOffset
from domain.errors import NotFound
from domain.identifiers import DocumentId, UploadId
from fixtures.making import NOON, Home, new_id
from fixtures.stores import Stores

DAY = timedelta(days=1)


def an_upload(home: Home, size_bytes: int = 10) -> Upload:
    return Upload(
        upload_id=UploadId(new_id()),
        space_id=home.space,
        filename="Größe.md",
        collection=Collection.BRAND,
        size_bytes=size_bytes,
        create_time=NOON,
        expire_time=NOON + DAY,
    )


async def _added(stores: Stores, home: Home) -> Upload:
    made = an_upload(home)
    await stores.uploads.add(made, most=9)
    return made


async def test_an_upload_comes_back_as_it_was_added(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    assert await stores.uploads.get(home.space, made.upload_id) == made


async def test_parts_follow_one_another(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    parts = [DocumentId(new_id()) for _ in range(2)]
    for offset, part in zip((0, 4), parts, strict=True):
        longer = await stores.uploads.append(
            home.space, made.upload_id, offset=offset, size=4, part=part
        )
    assert longer == replace(made, received_bytes=8, parts=tuple(parts))
    assert await stores.uploads.get(home.space, made.upload_id) == longer


@pytest.mark.parametrize("offset", [0, 3, 5])
async def test_a_part_that_is_not_the_next_is_refused(
    stores: Stores, home: Home, offset: int
) -> None:
    made = await _added(stores, home)
    part = DocumentId(new_id())
    await stores.uploads.append(home.space, made.upload_id, offset=0, size=4, part=part)
    with pytest.raises(WrongOffset) as refused:
        await stores.uploads.append(home.space, made.upload_id, offset=offset, size=4, part=part)
    assert refused.value.metadata == {"received_bytes": "4"}


async def test_of_two_parts_at_once_one_is_added(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    results = await asyncio.gather(
        *(
            stores.uploads.append(
                home.space, made.upload_id, offset=0, size=4, part=DocumentId(new_id())
            )
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Upload) for result in results) == 1
    assert sum(isinstance(result, WrongOffset) for result in results) == 3
    assert len((await stores.uploads.get(home.space, made.upload_id)).parts) == 1


async def test_a_space_has_so_many_unfinished_ones(stores: Stores, home: Home, away: Home) -> None:
    made = [an_upload(home) for _ in range(3)]
    await asyncio.gather(*(stores.uploads.add(one, most=3) for one in made))
    with pytest.raises(TooManyUploads):
        await stores.uploads.add(an_upload(home), most=3)
    await stores.uploads.add(an_upload(away), most=3)
    await stores.uploads.finish(home.space, made[0].upload_id, DocumentId(new_id()))
    await stores.uploads.add(an_upload(home), most=3)
    later = replace(an_upload(home), create_time=NOON + DAY, expire_time=NOON + 2 * DAY)
    await stores.uploads.add(later, most=3)


async def test_what_is_finished_takes_no_part(stores: Stores, home: Home) -> None:
    made, document = await _added(stores, home), DocumentId(new_id())
    part = DocumentId(new_id())
    await stores.uploads.append(home.space, made.upload_id, offset=0, size=4, part=part)
    await stores.uploads.finish(home.space, made.upload_id, document)
    kept = await stores.uploads.get(home.space, made.upload_id)
    assert (kept.document_id, kept.parts) == (document, ())
    with pytest.raises(WrongOffset):
        await stores.uploads.append(home.space, made.upload_id, offset=4, size=4, part=part)


async def test_those_whose_time_is_over_are_told_oldest_first(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [an_upload(home), an_upload(away), an_upload(home)]
    for age, one in enumerate(made):
        await stores.uploads.add(replace(one, expire_time=NOON - age * DAY), most=9)
    over = await stores.uploads.expired(NOON - DAY, 9)
    assert over == tuple((one.space_id, one.upload_id) for one in (made[2], made[1]))
    assert await stores.uploads.expired(NOON, 1) == over[:1]
    await stores.uploads.remove(*over[0])
    await stores.uploads.remove(*over[0])
    assert await stores.uploads.expired(NOON - DAY, 9) == over[1:]


async def test_another_space_answers_as_if_there_was_none(
    stores: Stores, home: Home, away: Home
) -> None:
    made = await _added(stores, home)
    answers = set()
    for upload_id in (made.upload_id, UploadId(new_id())):
        for attempt in (
            stores.uploads.get(away.space, upload_id),
            stores.uploads.append(
                away.space, upload_id, offset=0, size=1, part=DocumentId(new_id())
            ),
        ):
            with pytest.raises(NotFound) as refusal:
                await attempt
            answers.add((type(refusal.value), str(refusal.value)))
        await stores.uploads.finish(away.space, upload_id, DocumentId(new_id()))
        await stores.uploads.remove(away.space, upload_id)
    assert answers == {(UploadNotFound, str(UploadNotFound()))}
    assert await stores.uploads.get(home.space, made.upload_id) == made
