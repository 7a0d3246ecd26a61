"""Nothing that the log holds can be changed or deleted, by whatever role the platform has."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.pool import Pool
from contracts.test_audit_log import ALL, act
from domain.auth.audit import AuditEvent, Ending
from domain.identifiers import OrganizationId, UserId
from fixtures.making import new_id
from fixtures.postgres import SharedDatabase

CHANGES = [
    "outcome = 'OK'",
    "outcome = null",
    "action = '/another.Act'",
    "address = '203.0.113.9'",
    "correlation_id = 'c-2'",
    "objects = '{}'",
    "actor = gen_random_uuid()",
    "organization_id = gen_random_uuid()",
    "space_id = gen_random_uuid()",
    "audit_id = gen_random_uuid()",
    "create_time = now()",
]


@pytest_asyncio.fixture
async def home(pool: Pool) -> AsyncIterator[OrganizationId]:
    """An organization whose log must in the end say what it said at first."""
    home, log = OrganizationId(new_id()), PostgresAuditLog(pool)
    done, open_ = act(home, UserId(new_id())), act(home, UserId(new_id()))
    for event in (done, open_):
        await log.begin(event)
    await log.end(done.audit_id, Ending(outcome="NOT_FOUND", objects=done.objects))
    before = (await log.list(home, ALL)).items
    assert {e.outcome for e in before} == {"NOT_FOUND", None}
    yield home
    assert (await log.list(home, ALL)).items == before


@pytest.mark.parametrize("change", [f"update obelisk.audit_events set {c}" for c in CHANGES])
async def test_the_application_cannot_change_it(
    pool: Pool, home: OrganizationId, change: str
) -> None:
    async with pool.in_organization(home) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change)


@pytest.mark.parametrize("verb", ["delete from", "truncate"])
async def test_neither_role_can_empty_it(pool: Pool, home: OrganizationId, verb: str) -> None:
    for confined in (pool.in_organization(home), pool.as_identity()):
        async with confined as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"{verb} obelisk.audit_events")


async def test_the_application_cannot_write_it_under_its_own_role(
    pool: Pool, home: OrganizationId
) -> None:
    async with pool.in_organization(home) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "insert into obelisk.audit_events (audit_id, organization_id, action, objects,"
                " address, correlation_id, create_time)"
                " values (gen_random_uuid(), $1, 'forged', '{}', '', '', now())",
                home,
            )


@pytest.mark.parametrize("change", CHANGES)
async def test_who_writes_it_cannot_change_an_act_that_is_over(
    pool: Pool, home: OrganizationId, change: str
) -> None:
    statement = f"update obelisk.audit_events set {change} where organization_id = $1"
    refusals = (asyncpg.InsufficientPrivilegeError, asyncpg.PostgresError)
    with pytest.raises(refusals) as refused:
        async with pool.as_identity() as connection:
            await connection.execute(f"{statement} and outcome is not null", home)
    assert refused.value.sqlstate in ("42501", "OB002")


@pytest.mark.parametrize("change", [c for c in CHANGES if not c.startswith(("outcome", "objects"))])
async def test_not_even_a_superuser_ends_an_act_as_another_one(
    shared_database: SharedDatabase, home: OrganizationId, change: str
) -> None:
    """The trigger holds where no grant does."""
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await shared_database.superuser.execute(
            f"update obelisk.audit_events set outcome = 'OK', {change}"
            " where organization_id = $1 and outcome is null",
            home,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "delete from obelisk.audit_events",
        "truncate obelisk.audit_events",
        "update obelisk.audit_events set outcome = 'OK' where outcome is not null",
        "update obelisk.audit_events set objects = '{}' where outcome is null",
    ],
)
async def test_the_trigger_stops_even_a_superuser(
    shared_database: SharedDatabase, home: OrganizationId, statement: str
) -> None:
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await shared_database.superuser.execute(statement)


async def test_an_ending_changes_no_actor_and_no_organization_that_were_known(
    pool: Pool, home: OrganizationId
) -> None:
    log, elsewhere = PostgresAuditLog(pool), OrganizationId(new_id())
    event: AuditEvent = act(elsewhere, UserId(new_id()))
    await log.begin(event)
    ending = Ending(outcome="OK", objects={}, actor=UserId(new_id()), organization_id=home)
    await log.end(event.audit_id, ending)
    assert (await log.list(elsewhere, ALL)).items == (replace(event, outcome="OK", objects={}),)
