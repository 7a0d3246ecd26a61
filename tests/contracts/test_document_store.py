"""The contract of `DocumentStore`, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.documents.document import (
    Collection,
    Document,
    DocumentNotFound,
    IngestLost,
    IngestState,
)
from domain.errors import NotFound
from domain.identifiers import DocumentId, WorkerId
from domain.paging import PageRequest
from domain.retrieval.passage import Passage
from fixtures.making import (
    MODEL,
    NOON,
    OTHER_MODEL,
    Home,
    axis,
    chunk,
    document,
    new_id,
    passages,
    structure,
)
from fixtures.stores import Stores

FIRST_PAGE = PageRequest(size=2)


async def _added(stores: Stores, home: Home, filename: str = "guide.md") -> Document:
    return await stores.documents.add(document(home, filename=filename))


async def _published(
    stores: Stores, home: Home, *texts: str, filename: str = "guide.md"
) -> Document:
    made = await _added(stores, home, filename)
    await stores.documents.publish(made, structure(), passages(*texts), MODEL)
    return made


async def _of(stores: Stores, home: Home, made: Document) -> tuple[Passage, ...]:
    return await stores.index.of_documents(
        home.space, documents=[made.document_id], vector=None, model=MODEL, limit=50
    )


async def test_a_new_document_comes_back_as_it_was_added(stores: Stores, home: Home) -> None:
    made = document(home, filename="Größe 数.md", collection=Collection.BRAND)
    await stores.documents.add(made)
    assert await stores.documents.get(home.space, made.document_id) == made


async def test_what_was_left_out_is_told_with_the_document_that_is_ready(
    stores: Stores, home: Home
) -> None:
    made = await _added(stores, home)
    told = replace(structure(), warnings=("page 3 was left out", "so was a \ud800 \0 picture"))
    await stores.documents.publish(made, told, passages("x"), MODEL)
    page = await stores.documents.list(home.space, FIRST_PAGE)
    for ready in (await stores.documents.get(home.space, made.document_id), *page.items):
        assert ready.warnings[0] == "page 3 was left out"
        assert ready.warnings[1].startswith("so was a ")
    await stores.documents.publish(made, structure(), passages("x"), MODEL)
    assert (await stores.documents.get(home.space, made.document_id)).warnings == ()


async def test_another_space_answers_as_if_it_did_not_exist(
    stores: Stores, home: Home, away: Home
) -> None:
    made = await _added(stores, home)
    missing, foreign = DocumentId(new_id()), made.document_id
    answers = []
    for document_id in (missing, foreign):
        for attempt in (
            stores.documents.get(away.space, document_id),
            stores.documents.move(away.space, document_id, IngestState.FAILED, "no"),
            stores.documents.delete(away.space, document_id),
            stores.documents.publish(
                replace(made, space_id=away.space, document_id=document_id),
                structure(),
                passages("x"),
                MODEL,
            ),
        ):
            with pytest.raises(NotFound) as refusal:
                await attempt
            answers.append((type(refusal.value), str(refusal.value), refusal.value.metadata))
    assert set(map(str, answers)) == {str((DocumentNotFound, str(DocumentNotFound()), {}))}
    assert await stores.documents.get(home.space, foreign) == made


async def test_documents_come_newest_first_page_by_page(stores: Stores, home: Home) -> None:
    made = [await _added(stores, home, f"{n}.md") for n in range(5)]
    seen: list[Document] = []
    page = await stores.documents.list(home.space, FIRST_PAGE)
    while page.next_after is not None:
        assert len(page.items) == 2
        seen.extend(page.items)
        page = await stores.documents.list(home.space, PageRequest(size=2, after=page.next_after))
    assert [*seen, *page.items] == made[::-1]


async def test_a_page_stays_right_while_rows_come_and_go(stores: Stores, home: Home) -> None:
    made = [await _added(stores, home, f"{n}.md") for n in range(4)]
    page = await stores.documents.list(home.space, FIRST_PAGE)
    await _added(stores, home, "new.md")
    await stores.documents.delete(home.space, made[2].document_id)
    rest = await stores.documents.list(home.space, PageRequest(size=2, after=page.next_after))
    assert rest.items == (made[1], made[0])
    assert rest.next_after is None


async def test_a_list_shows_its_own_space_alone(stores: Stores, home: Home, away: Home) -> None:
    made = await _added(stores, home)
    await _added(stores, away)
    assert (await stores.documents.list(home.space, FIRST_PAGE)).items == (made,)


async def test_ingestion_moves_are_recorded(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    await stores.documents.move(home.space, made.document_id, IngestState.CONVERTING)
    kept = await stores.documents.get(home.space, made.document_id)
    assert (kept.state, kept.failure) == (IngestState.CONVERTING, "")
    await stores.documents.move(home.space, made.document_id, IngestState.FAILED, "it's broken")
    kept = await stores.documents.get(home.space, made.document_id)
    assert (kept.state, kept.failure) == (IngestState.FAILED, "it's broken")
    await stores.documents.move(home.space, made.document_id, IngestState.PENDING)
    assert (await stores.documents.get(home.space, made.document_id)).failure == ""


async def test_publishing_makes_the_document_ready(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    await stores.documents.move(home.space, made.document_id, IngestState.FAILED, "first attempt")
    shape = structure(title="The Nordlys guide", page_count=9)
    assert await stores.documents.publish(made, shape, passages("a", "b"), MODEL) == ()
    kept = await stores.documents.get(home.space, made.document_id)
    assert kept == replace(
        made,
        state=IngestState.READY,
        title="The Nordlys guide",
        chunk_count=2,
        page_count=9,
        update_time=kept.update_time,
    )
    assert kept.create_time == NOON


async def test_a_file_without_a_title_goes_by_its_name(stores: Stores, home: Home) -> None:
    made = await _added(stores, home, "prices.csv")
    await stores.documents.publish(made, structure(title=""), passages("a"), MODEL)
    assert (await stores.documents.get(home.space, made.document_id)).title == "prices.csv"


async def test_passages_keep_what_they_were_made_of(stores: Stores, home: Home) -> None:
    made = document(home, filename="deck.pptx", collection=Collection.PRODUCT)
    await stores.documents.add(made)
    text, section = 'It\'s 5 % \\ "off"\n| a | b |', ("Prices, {2026}", 'The "big" \\ one', "")
    piece = (passages("x")[0][0], chunk(0, text, section=section, page=None), axis(0))
    await stores.documents.publish(made, structure(title="Deck"), [piece], MODEL)
    (found,) = await _of(stores, home, made)
    assert found == Passage(
        chunk_id=piece[0],
        document_id=made.document_id,
        title="Deck",
        filename="deck.pptx",
        collection=Collection.PRODUCT,
        section_path=section,
        page=None,
        text=text,
    )


async def test_publishing_without_passages_is_possible(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    assert (await stores.documents.get(home.space, made.document_id)).chunk_count == 0
    assert await _of(stores, home, made) == ()


async def test_publishing_again_leaves_exactly_the_new_passages(stores: Stores, home: Home) -> None:
    made = await _published(stores, home, "one", "two", "three")
    await stores.documents.publish(made, structure(), passages("four"), OTHER_MODEL)
    assert [p.text for p in await _of(stores, home, made)] == ["four"]
    assert (await stores.documents.get(home.space, made.document_id)).chunk_count == 1


async def test_publishing_replaces_older_documents_of_the_same_name(
    stores: Stores, home: Home, away: Home
) -> None:
    theirs = await _published(stores, away, "theirs")
    older = await _published(stores, home, "older")
    unready = await _added(stores, home)
    other = await _published(stores, home, "other", filename="other.md")
    newest = await _added(stores, home)
    replaced = await stores.documents.publish(newest, structure(), passages("newest"), MODEL)
    assert sorted(replaced) == sorted([older.document_id, unready.document_id])
    for gone in replaced:
        with pytest.raises(DocumentNotFound):
            await stores.documents.get(home.space, gone)
    assert await _of(stores, home, older) == ()
    assert [p.text for p in await _of(stores, home, newest)] == ["newest"]
    assert [p.text for p in await _of(stores, home, other)] == ["other"]
    assert [p.text for p in await _of(stores, away, theirs)] == ["theirs"]


async def test_a_newer_upload_of_the_same_name_is_not_replaced_by_an_older_one(
    stores: Stores, home: Home
) -> None:
    older, newer = await _added(stores, home), await _added(stores, home)
    assert await stores.documents.publish(older, structure(), passages("older"), MODEL) == ()
    assert await stores.documents.get(home.space, newer.document_id) == newer


async def test_two_versions_that_become_ready_at_once_leave_the_newer_one(
    stores: Stores, home: Home
) -> None:
    older, newer = await _added(stores, home), await _added(stores, home)
    long = passages(*(f"smoked herring number {number}" for number in range(1_500)))

    async def publish_the_newer() -> tuple[DocumentId, ...]:
        # While the passages of the older one are being written.
        await asyncio.sleep(0.05)
        short = passages("smoked herring")
        return await stores.documents.publish(newer, structure(), short, MODEL)

    _, replaced = await asyncio.gather(
        stores.documents.publish(older, structure(), long, MODEL),
        publish_the_newer(),
        return_exceptions=True,
    )
    assert replaced == (older.document_id,)
    assert [p.text for p in await _of(stores, home, newer)] == ["smoked herring"]


async def test_a_search_sees_the_old_version_or_the_new_one_and_never_none_or_both(
    stores: Stores, home: Home
) -> None:
    await _published(stores, home, "version 0")
    seen: list[int] = []
    done = asyncio.Event()

    async def search() -> None:
        while not done.is_set():
            found = await stores.index.hybrid(
                home.space,
                text="version",
                vector=None,
                model=MODEL,
                collections=frozenset(Collection),
                limit=9,
            )
            seen.append(len(found))
            await asyncio.sleep(0)

    async def republish() -> None:
        for n in range(1, 8):
            await _published(stores, home, f"version {n}")
        done.set()

    await asyncio.gather(search(), republish())
    assert set(seen) == {1}


async def test_publishing_what_was_deleted_meanwhile_is_refused(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    await stores.documents.delete(home.space, made.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.documents.publish(made, structure(), passages("late"), MODEL)
    assert await _of(stores, home, made) == ()


async def test_a_refused_publication_changes_nothing(stores: Stores, home: Home) -> None:
    older = await _published(stores, home, "older")
    deleted = await _added(stores, home)
    await stores.documents.delete(home.space, deleted.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.documents.publish(deleted, structure(), passages("late"), MODEL)
    assert [p.text for p in await _of(stores, home, older)] == ["older"]


async def test_deleting_removes_the_document_with_its_passages(stores: Stores, home: Home) -> None:
    made = await _published(stores, home, "secret plan")
    await stores.documents.delete(home.space, made.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.documents.get(home.space, made.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.documents.delete(home.space, made.document_id)
    assert await _of(stores, home, made) == ()
    found = await stores.index.hybrid(
        home.space,
        text="secret plan",
        vector=axis(0),
        model=MODEL,
        collections=frozenset(Collection),
        limit=9,
    )
    assert found == ()


async def test_files_of_one_name_are_counted(stores: Stores, home: Home, away: Home) -> None:
    added = [await stores.documents.add(document(home)) for _ in range(3)]
    assert [one.version for one in added] == [1, 2, 3]
    assert (await stores.documents.get(home.space, added[2].document_id)).version == 3
    assert (await stores.documents.add(document(home, filename="other.md"))).version == 1
    assert (await stores.documents.add(document(away))).version == 1


async def test_uploads_of_one_name_at_once_are_all_counted(stores: Stores, home: Home) -> None:
    added = await asyncio.gather(*(stores.documents.add(document(home)) for _ in range(8)))
    assert sorted(one.version for one in added) == list(range(1, 9))


async def test_the_same_bytes_again_are_the_document_that_is_there(
    stores: Stores, home: Home, away: Home
) -> None:
    first = await _published(stores, home, "a")
    again = await stores.documents.add(document(home), known_to=MODEL)
    assert again == await stores.documents.get(home.space, first.document_id)
    assert len((await stores.documents.list(home.space, FIRST_PAGE)).items) == 1
    theirs = await stores.documents.add(document(away), known_to=MODEL)
    assert theirs.space_id == away.space


async def test_bytes_that_are_being_read_are_not_read_twice(stores: Stores, home: Home) -> None:
    first = await _added(stores, home)
    assert await stores.documents.add(document(home), known_to=MODEL) == first


@pytest.mark.parametrize("other", ["bytes", "name", "collection", "model", "failed", "newer"])
async def test_what_differs_is_a_document_of_its_own(
    stores: Stores, home: Home, other: str
) -> None:
    first = await _published(stores, home, "a")
    made, model = document(home), MODEL
    if other == "bytes":
        made = replace(made, content_sha256="cd" * 32)
    elif other == "name":
        made = replace(made, filename="other.md")
    elif other == "collection":
        made = replace(made, collection=Collection.WEB)
    elif other == "model":
        model = OTHER_MODEL
    elif other == "failed":
        await stores.documents.move(home.space, first.document_id, IngestState.FAILED, "broken")
    else:
        await stores.documents.add(replace(document(home), content_sha256="cd" * 32))
    added = await stores.documents.add(made, known_to=model)
    assert added.document_id == made.document_id


async def test_a_newer_version_that_failed_leaves_the_one_before_it(
    stores: Stores, home: Home
) -> None:
    first = await _published(stores, home, "a")
    failed = await stores.documents.add(replace(document(home), content_sha256="cd" * 32))
    await stores.documents.move(home.space, failed.document_id, IngestState.FAILED, "broken")
    again = await stores.documents.add(document(home), known_to=MODEL)
    assert again.document_id == first.document_id


async def test_progress_is_told_until_the_next_state(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    await stores.documents.move(
        home.space, made.document_id, IngestState.EMBEDDING, done=64, total=100
    )
    kept = await stores.documents.get(home.space, made.document_id)
    assert (kept.stage_done, kept.stage_total) == (64, 100)
    await stores.documents.publish(made, structure(), passages("a"), MODEL)
    kept = await stores.documents.get(home.space, made.document_id)
    assert (kept.stage_done, kept.stage_total) == (0, 0)


async def test_waiting_for_another_try_is_counted(stores: Stores, home: Home) -> None:
    made = await _added(stores, home)
    for _ in range(2):
        await stores.documents.move(
            home.space,
            made.document_id,
            IngestState.PENDING,
            retry_time=NOON + timedelta(days=36_500),
        )
    assert (await stores.documents.get(home.space, made.document_id)).retries == 2
    await stores.documents.move(home.space, made.document_id, IngestState.CONVERTING)
    assert (await stores.documents.get(home.space, made.document_id)).retries == 2


async def test_who_has_lost_a_document_changes_nothing_of_it(stores: Stores, home: Home) -> None:
    made, worker = await _added(stores, home), WorkerId(new_id())
    (first,) = [job for job, _ in await stores.workers.claim_documents(worker, 1, at_work=())]
    (heir,) = [job for job, _ in await stores.workers.claim_documents(worker, 1, at_work=())]
    assert (first.fence, heir.fence) == (1, 2)
    held = await stores.documents.get(home.space, made.document_id)
    assert held.fence == heir.fence
    await stores.documents.publish(held, structure(), passages("the heir's"), MODEL)
    ready = await stores.documents.get(home.space, made.document_id)
    for state in IngestState:
        with pytest.raises(IngestLost):
            await stores.documents.move(
                home.space, made.document_id, state, "late", fence=first.fence, retry_time=NOON
            )
    late = replace(held, fence=first.fence)
    with pytest.raises(IngestLost):
        await stores.documents.publish(late, structure(), passages("late"), MODEL)
    assert await stores.documents.get(home.space, made.document_id) == ready
    assert [one.text for one in await _of(stores, home, made)] == ["the heir's"]


async def test_a_claim_between_reading_and_publishing_is_noticed(
    stores: Stores, home: Home
) -> None:
    made = await _added(stores, home)
    await stores.workers.claim_documents(WorkerId(new_id()), 1, at_work=())
    with pytest.raises(IngestLost):
        await stores.documents.publish(made, structure(), passages("late"), MODEL)
    assert await _of(stores, home, made) == ()


async def test_an_attempt_given_back_brings_no_fence_back(stores: Stores, home: Home) -> None:
    made, worker = await _added(stores, home), WorkerId(new_id())
    fences: list[int] = []
    for _ in range(3):
        ((job, attempts),) = await stores.workers.claim_documents(worker, 1, at_work=())
        fences.append(job.fence)
        assert attempts == 1
        await stores.documents.move(
            home.space,
            made.document_id,
            IngestState.PENDING,
            retry_time=NOON - timedelta(days=9999),
            fence=job.fence,
        )
    assert fences == [1, 2, 3]
