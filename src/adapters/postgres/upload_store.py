"""Uploads that come in parts, in Postgres."""

from datetime import datetime

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.documents.document import Collection
from domain.documents.upload import TooManyUploads, Upload, UploadNotFound, WrongOffset
from domain.identifiers import DocumentId, SpaceId, UploadId

_SQL = statements("uploads")


class PostgresUploadStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, upload: Upload, *, most: int) -> None:
        space = upload.space_id
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["lock"], space)
            now = upload.create_time
            if await connection.fetchval(_SQL["unfinished"], space, now) >= most:
                raise TooManyUploads
            await connection.execute(
                _SQL["add"],
                space,
                upload.upload_id,
                upload.filename,
                upload.collection.value,
                upload.size_bytes,
                upload.create_time,
                upload.expire_time,
            )

    async def get(self, space: SpaceId, upload: UploadId) -> Upload:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(_SQL["get"], space, upload)
        if row is None:
            raise UploadNotFound
        return _upload(row)

    async def append(
        self, space: SpaceId, upload: UploadId, *, offset: int, size: int, part: DocumentId
    ) -> Upload:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(_SQL["append"], space, upload, offset, size, part)
        if row is None:
            raise WrongOffset(offset, (await self.get(space, upload)).received_bytes)
        return _upload(row)

    async def finish(self, space: SpaceId, upload: UploadId, document: DocumentId) -> None:
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["finish"], space, upload, document)

    async def remove(self, space: SpaceId, upload: UploadId) -> None:
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["remove"], space, upload)

    async def expired(self, now: datetime, limit: int) -> tuple[tuple[SpaceId, UploadId], ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["expired"], now, limit)
        return tuple((SpaceId(space), UploadId(upload)) for space, upload in rows)


def _upload(row: asyncpg.Record) -> Upload:
    return Upload(
        **{
            **row,
            "collection": Collection(row["collection"]),
            "parts": tuple(DocumentId(part) for part in row["parts"]),
        }
    )
