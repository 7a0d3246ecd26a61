"""ListDocumentFindings and DecideDocumentFinding: hidden text waits for a person."""

import asyncio
from collections.abc import Sequence

from application.context import RequestContext
from application.embeddings.whole import require_unchanged, within
from application.ports.clock import Clock
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.finding_store import FindingStore
from domain.documents.chunking import Chunk, ChunkingPolicy, chunk_document, embedding_text
from domain.documents.finding import Decision, Finding
from domain.documents.structure import DocumentStructure, Paragraph
from domain.errors import InvalidInput
from domain.identifiers import ChunkId, DocumentId
from domain.paging import NumberedPageRequest
from domain.retrieval.vector import Vector
from domain.tenancy.access import Action

FindingPage = tuple[tuple[Finding, ...], int | None]


class DocumentFindings:
    def __init__(
        self,
        *,
        findings: FindingStore,
        embedder: Embedder,
        clock: Clock,
        entropy: Entropy,
        policy: ChunkingPolicy,
    ) -> None:
        self._findings = findings
        self._embedder = embedder
        self._clock = clock
        self._entropy = entropy
        self._policy = policy

    async def list(
        self, context: RequestContext, *, document_id: DocumentId, page: NumberedPageRequest
    ) -> FindingPage:
        """Findings in their order, and the number of the last one unless nothing follows.

        Numbers count from 1: that of a finding is its ordinal and one. Raises DocumentNotFound.
        """
        space = context.space_for(Action.REVIEW)
        after = (page.before or 0) - 1
        found = await self._findings.list(space, document_id, after=after, limit=page.size + 1)
        shown = found[: page.size]
        return shown, shown[-1].ordinal + 1 if len(found) > page.size else None

    async def decide(
        self,
        context: RequestContext,
        *,
        document_id: DocumentId,
        ordinal: int,
        decision: Decision,
    ) -> Finding:
        """Let the text be searched, or keep it out; the last decision counts.

        Raises:
            DocumentNotFound, FindingNotFound, DocumentNotReady, ActionNotAllowed.
            InvalidInput: PENDING is no decision.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        if decision is Decision.PENDING:
            raise InvalidInput("decide ALLOWED or REMOVED", field="decision")
        finding = await self._findings.get(space, document_id, ordinal)
        allowed = decision is Decision.ALLOWED
        model = self._embedder.model
        passages = await self._passages(finding) if allowed else ()
        require_unchanged(self._embedder, model)
        return await self._findings.decide(
            space,
            finding,
            decision=decision,
            by=context.user_id,
            time=self._clock.now(),
            chunks=passages,
            model=model,
        )

    async def _passages(self, finding: Finding) -> Sequence[tuple[ChunkId, Chunk, Vector]]:
        block = Paragraph(text=finding.text, page=finding.page)
        chunks = await asyncio.to_thread(
            chunk_document,
            DocumentStructure(title="", blocks=(block,)),
            policy=within(self._policy, self._embedder.model),
            count_tokens=self._embedder.count_tokens,
        )
        vectors = await self._embedder.embed_documents([embedding_text(one) for one in chunks])
        return [
            (ChunkId(self._entropy.uuid()), chunk, vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
