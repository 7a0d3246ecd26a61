"""Documents whose pictures wait to be looked at, in Postgres."""

from collections.abc import Sequence
from datetime import timedelta

from pgvector import HalfVector

from adapters.postgres.document_store import document_of, keepable, refusal
from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.documents.document import Document
from domain.documents.looking import LOOK_SECONDS, MOST_LOOKS, KeptText, Look
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.retrieval.pictures import PictureVectors, VisualModel

_SQL = statements("looks")
_DOCUMENTS = statements("documents")
# Others may be quicker with some.
_CANDIDATES = 4
# Where two models are asked for at once, they take turns no faster.
_AFTERWARDS = timedelta(hours=1)


class PostgresPictureLooks:
    def __init__(self, pool: Pool, *, lease: timedelta = timedelta(seconds=LOOK_SECONDS)) -> None:
        self._pool = pool
        self._lease = lease

    async def take(self, model: VisualModel) -> Look | None:
        async with self._pool.connection() as connection:
            unseen = await connection.fetch(_SQL["unseen"], model.name, MOST_LOOKS, _CANDIDATES)
        for space, document in unseen:
            if look := await self._taken(SpaceId(space), DocumentId(document), model):
                return look
        return None

    async def _taken(self, space: SpaceId, document: DocumentId, model: VisualModel) -> Look | None:
        async with self._pool.in_space(space) as connection:
            taken = await connection.fetchrow(
                _SQL["take"], space, document, model.name, self._lease
            )
            if taken is None:
                return None
            row = await connection.fetchrow(_DOCUMENTS["get"], space, document)
        looks, delays = taken
        if row is None:
            return None
        return Look(document=document_of(row), model=model.name, looks=looks, delays=delays)

    async def kept_text(self, document: Document) -> KeptText:
        space, document_id = document.space_id, document.document_id
        async with self._pool.in_space(space) as connection:
            digest = await connection.fetchval(_SQL["text"], space, document_id)
            rows = await connection.fetch(_SQL["passages"], space, document_id)
        passages = tuple((ChunkId(chunk_id), (start, end)) for chunk_id, start, end in rows)
        return KeptText(digest=str(digest or ""), passages=passages)

    async def keep(
        self, document: Document, pictures: PictureVectors, warnings: Sequence[str]
    ) -> None:
        space, document_id, model = document.space_id, document.document_id, pictures.model.name
        told = [keepable(warning) for warning in warnings]
        halves = [HalfVector(list(vector)) for vector in pictures.vectors.values()]
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["hold_space"], space)
            seen = await connection.fetchval(
                _SQL["seen"], space, document_id, model, told, document.fence, _AFTERWARDS
            )
            if seen is None:
                raise await refusal(connection, space, document_id)
            await connection.execute(_SQL["clear"], space, document_id)
            await connection.execute(_SQL["add"], space, model, list(pictures.vectors), halves)

    async def put_off(self, look: Look, delay: timedelta) -> None:
        document = look.document
        async with self._pool.in_space(document.space_id) as connection:
            await connection.execute(
                _SQL["put_off"], document.space_id, document.document_id, look.model, delay
            )

    async def give_up(self, look: Look, warnings: Sequence[str]) -> None:
        document = look.document
        async with self._pool.in_space(document.space_id) as connection:
            await connection.execute(
                _SQL["give_up"],
                document.space_id,
                document.document_id,
                look.model,
                MOST_LOOKS + 1,
                [keepable(warning) for warning in warnings],
            )
