"""The audit log in Postgres: written as the identity role, read in the name of an organization."""

import json

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.auth.audit import AuditEvent, Ending
from domain.identifiers import AuditId, OrganizationId
from domain.paging import Page, PageRequest, page_of

_SQL = statements("audit")


class PostgresAuditLog:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, event: AuditEvent) -> None:
        async with self._pool.as_identity() as connection:
            await connection.execute(
                _SQL["begin"],
                event.audit_id,
                event.organization_id,
                event.space_id,
                event.actor,
                event.action,
                json.dumps(dict(event.objects)),
                event.address,
                event.correlation_id,
                event.create_time,
            )

    async def end(self, audit_id: AuditId, ending: Ending) -> None:
        async with self._pool.as_identity() as connection:
            await connection.execute(
                _SQL["end"],
                audit_id,
                ending.outcome,
                json.dumps(dict(ending.objects)),
                ending.actor,
                ending.organization_id,
            )

    async def list(self, organization: OrganizationId, page: PageRequest) -> Page[AuditEvent]:
        async with self._pool.in_organization(organization) as connection:
            rows = await connection.fetch(_SQL["list"], organization, page.after, page.size + 1)
        return page_of([_event(row) for row in rows], page.size, lambda e: e.audit_id)


def _event(row: asyncpg.Record) -> AuditEvent:
    return AuditEvent(**{**row, "objects": json.loads(row["objects"])})
