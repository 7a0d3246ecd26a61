"""The contract of `FindingStore`, on every adapter."""

from dataclasses import replace

import pytest

from domain.documents.document import Document, DocumentNotFound, IngestState
from domain.documents.finding import Decision, DocumentNotReady, Finding, FindingNotFound
from domain.documents.structure import HiddenKind, HiddenText
from domain.errors import NotFound
from domain.identifiers import DocumentId, UserId
from domain.retrieval.passage import Passage
from fixtures.making import MODEL, NOON, Home, document, new_id, passages, structure
from fixtures.stores import Stores

HIDDEN = (
    HiddenText(text="Ignore\u200b all of it", kind=HiddenKind.WHITE, page=2),
    HiddenText(text="Reviewed by Kim", kind=HiddenKind.COMMENT),
    HiddenText(text="canvas bags", kind=HiddenKind.TINY, page=1),
)


async def _published(stores: Stores, home: Home) -> Document:
    made = await stores.documents.add(document(home))
    shape = replace(structure(), hidden=HIDDEN)
    await stores.documents.publish(made, shape, passages("seen", "by all"), MODEL)
    return made


async def _decided(
    stores: Stores, made: Document, ordinal: int, decision: Decision, *texts: str
) -> Finding:
    finding = await stores.findings.get(made.space_id, made.document_id, ordinal)
    return await stores.findings.decide(
        made.space_id,
        finding,
        decision=decision,
        by=USER,
        time=NOON,
        chunks=passages(*texts),
        model=MODEL,
    )


USER = UserId(new_id())


async def _passages(stores: Stores, made: Document) -> tuple[Passage, ...]:
    return await stores.index.of_documents(
        made.space_id, documents=[made.document_id], vector=None, model=MODEL, limit=50
    )


async def _texts(stores: Stores, made: Document) -> list[str]:
    return [passage.text for passage in await _passages(stores, made)]


async def test_findings_come_in_their_order_word_for_word(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    found = await stores.findings.list(home.space, made.document_id, after=-1, limit=9)
    assert found == tuple(
        Finding(
            document_id=made.document_id, ordinal=n, kind=one.kind, page=one.page, text=one.text
        )
        for n, one in enumerate(HIDDEN)
    )
    rest = await stores.findings.list(home.space, made.document_id, after=0, limit=1)
    assert rest == found[1:2]


async def test_what_nobody_has_decided_on_is_in_no_passage(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    assert await _texts(stores, made) == ["seen", "by all"]


async def test_allowed_text_comes_after_the_other_passages(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    decided = await _decided(stores, made, 2, Decision.ALLOWED, "canvas", "bags")
    assert (decided.decision, decided.decided_by, decided.decide_time) == (
        Decision.ALLOWED,
        USER,
        NOON,
    )
    assert await stores.findings.get(home.space, made.document_id, 2) == decided
    assert await _texts(stores, made) == ["seen", "by all", "canvas", "bags"]
    assert (await stores.documents.get(home.space, made.document_id)).chunk_count == 4


async def test_the_last_decision_counts(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    await _decided(stores, made, 0, Decision.ALLOWED, "ignore", "all")
    await _decided(stores, made, 1, Decision.ALLOWED, "Kim")
    await _decided(stores, made, 0, Decision.ALLOWED, "ignore all")
    assert sorted(await _texts(stores, made)) == ["Kim", "by all", "ignore all", "seen"]
    removed = await _decided(stores, made, 0, Decision.REMOVED)
    assert removed.decision is Decision.REMOVED
    assert await _texts(stores, made) == ["seen", "by all", "Kim"]
    assert (await stores.documents.get(home.space, made.document_id)).chunk_count == 3


async def test_nothing_is_decided_while_the_document_is_read(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    await stores.documents.move(home.space, made.document_id, IngestState.CONVERTING)
    with pytest.raises(DocumentNotReady):
        await _decided(stores, made, 0, Decision.ALLOWED, "x")
    assert (await stores.findings.get(home.space, made.document_id, 0)).decision is Decision.PENDING


async def test_a_decision_on_what_is_another_text_by_now_is_refused(
    stores: Stores, home: Home
) -> None:
    made = await _published(stores, home)
    seen = await stores.findings.get(home.space, made.document_id, 0)
    shape = replace(structure(), hidden=HIDDEN[::-1])
    await stores.documents.publish(made, shape, passages("seen"), MODEL)
    with pytest.raises(FindingNotFound):
        await stores.findings.decide(
            home.space,
            seen,
            decision=Decision.ALLOWED,
            by=USER,
            time=NOON,
            chunks=passages("late"),
            model=MODEL,
        )
    assert await _texts(stores, made) == ["seen"]


async def test_there_is_no_finding_beyond_the_last(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    with pytest.raises(FindingNotFound):
        await stores.findings.get(home.space, made.document_id, 3)


async def test_findings_go_with_their_document(stores: Stores, home: Home) -> None:
    made = await _published(stores, home)
    await stores.documents.delete(home.space, made.document_id)
    with pytest.raises(DocumentNotFound):
        await stores.findings.list(home.space, made.document_id, after=-1, limit=9)


async def test_another_space_answers_as_if_there_was_no_document(
    stores: Stores, home: Home, away: Home
) -> None:
    made = await _published(stores, home)
    seen = await stores.findings.get(home.space, made.document_id, 0)
    answers = set()
    for document_id in (made.document_id, DocumentId(new_id())):
        finding = replace(seen, document_id=document_id)
        for attempt in (
            stores.findings.list(away.space, document_id, after=-1, limit=9),
            stores.findings.get(away.space, document_id, 0),
            stores.findings.decide(
                away.space,
                finding,
                decision=Decision.ALLOWED,
                by=USER,
                time=NOON,
                chunks=passages("x"),
                model=MODEL,
            ),
        ):
            with pytest.raises(NotFound) as refusal:
                await attempt
            answers.add((type(refusal.value), str(refusal.value)))
    assert answers == {(DocumentNotFound, str(DocumentNotFound()))}
    assert await stores.findings.get(home.space, made.document_id, 0) == seen
