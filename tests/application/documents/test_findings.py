"""Hidden text waits for a person, and is searched once it is allowed."""

from dataclasses import replace

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from application.documents.findings import DocumentFindings
from domain.documents.chunking import ChunkingPolicy
from domain.documents.document import Collection, Document
from domain.documents.finding import Decision
from domain.documents.structure import HiddenKind, HiddenText
from domain.errors import InvalidInput
from domain.paging import NumberedPageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of
from fixtures.making import document, structure

EMBEDDER = HashEmbedder()
LONG = " ".join(f"Sentence {n} is hidden." for n in range(150))


@pytest.fixture
def findings(house: House) -> DocumentFindings:
    return DocumentFindings(
        findings=house.stores.findings,
        embedder=EMBEDDER,
        clock=house.clock,
        entropy=house.entropy,
        policy=ChunkingPolicy(),
    )


async def _published(house: House, *texts: str) -> Document:
    made = await house.stores.documents.add(document(house.home))
    hidden = tuple(HiddenText(text=text, kind=HiddenKind.WHITE, page=4) for text in texts)
    shape = replace(structure(), hidden=hidden)
    await house.stores.documents.publish(made, shape, [], EMBEDDER.model)
    return made


async def _found(house: House, text: str) -> list[tuple[str, int | None]]:
    found = await house.stores.index.hybrid(
        house.home.space,
        text=text,
        vector=await EMBEDDER.embed_query(text),
        model=EMBEDDER.model,
        collections=frozenset(Collection),
        limit=50,
    )
    return [(passage.text, passage.page) for passage in found]


async def test_allowed_text_is_found_and_removed_text_is_not(
    house: House, findings: DocumentFindings
) -> None:
    made = await _published(house, "canvas bags for sailors")
    context = context_of(house.home, Role.EDITOR)
    assert await _found(house, "canvas") == []
    decided = await findings.decide(
        context, document_id=made.document_id, ordinal=0, decision=Decision.ALLOWED
    )
    assert decided.decided_by == context.user_id
    assert await _found(house, "canvas") == [("canvas bags for sailors", 4)]
    await findings.decide(
        context, document_id=made.document_id, ordinal=0, decision=Decision.REMOVED
    )
    assert await _found(house, "canvas") == []


async def test_a_long_text_is_allowed_in_passages_that_fit(
    house: House, findings: DocumentFindings
) -> None:
    made = await _published(house, LONG)
    await findings.decide(
        context_of(house.home), document_id=made.document_id, ordinal=0, decision=Decision.ALLOWED
    )
    found = [text for text, _ in await _found(house, "Sentence hidden")]
    assert len(found) > 1
    assert max(map(EMBEDDER.count_tokens, found)) <= ChunkingPolicy().max_tokens


async def test_pending_is_no_decision(house: House, findings: DocumentFindings) -> None:
    made = await _published(house, "x")
    with pytest.raises(InvalidInput, match="ALLOWED or REMOVED"):
        await findings.decide(
            context_of(house.home),
            document_id=made.document_id,
            ordinal=0,
            decision=Decision.PENDING,
        )


async def test_findings_come_page_by_page(house: House, findings: DocumentFindings) -> None:
    made = await _published(house, *(f"text {n}" for n in range(5)))
    context, seen, last = context_of(house.home, Role.REVIEWER), list[str](), None
    for size in (2, 2, 1):
        page = NumberedPageRequest(size=2, before=last)
        found, last = await findings.list(context, document_id=made.document_id, page=page)
        assert len(found) == size
        seen += [one.text for one in found]
    assert last is None
    assert seen == [f"text {n}" for n in range(5)]


async def test_readers_do_not_see_them_and_reviewers_do_not_decide(
    house: House, findings: DocumentFindings
) -> None:
    made = await _published(house, "x")
    with pytest.raises(ActionNotAllowed):
        await findings.list(
            context_of(house.home, Role.VIEWER),
            document_id=made.document_id,
            page=NumberedPageRequest(),
        )
    with pytest.raises(ActionNotAllowed):
        await findings.decide(
            context_of(house.home, Role.REVIEWER),
            document_id=made.document_id,
            ordinal=0,
            decision=Decision.ALLOWED,
        )
