"""The roles of the database: what each may do, and that none of them stands above the policies."""

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from fixtures.postgres import SharedDatabase

ROLES = (
    "obelisk_app",
    "obelisk_search",
    "obelisk_system",
    "obelisk_identity",
    "obelisk_app_login",
)


@pytest_asyncio.fixture
async def superuser(
    shared_database: SharedDatabase,
) -> "asyncpg.Connection[asyncpg.Record]":
    return shared_database.superuser


async def test_no_role_of_obelisk_stands_above_the_law(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await superuser.fetch(
        """
        select rolname from pg_roles where rolname = any ($1)
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
        """,
        list(ROLES),
    )
    assert rows == []
    memberships = await superuser.fetch(
        "select roleid::regrole::text as role, member::regrole::text as member"
        " from pg_auth_members where member::regrole::text = any ($1)",
        list(ROLES),
    )
    assert {tuple(row) for row in memberships} == {
        ("obelisk_app", "obelisk_app_login"),
        ("obelisk_identity", "obelisk_app"),
    }


async def test_the_application_owns_nothing_and_can_make_nothing(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    owned = await superuser.fetch(
        """
        select relname::text from pg_class where relowner::regrole::text like 'obelisk_app%'
        union all
        select proname::text from pg_proc where proowner::regrole::text like 'obelisk_app%'
        union all
        select nspname::text from pg_namespace where nspowner::regrole::text like 'obelisk_app%'
        """
    )
    assert owned == []
    for role in ROLES:
        for schema in ("obelisk", "public"):
            may_create = "select has_schema_privilege($1, $2, 'create')"
            assert await superuser.fetchval(may_create, role, schema) is False, (role, schema)


async def test_the_application_cannot_become_another_role(pool: Pool) -> None:
    async with pool.connection() as connection:
        for role in ("obelisk_search", "obelisk_system", "postgres"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(f"set local role {role}")


async def test_functions_with_other_rights_are_nailed_down(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await superuser.fetch(
        """
        select p.proname as name, p.proowner::regrole::text as owner,
               coalesce((select c from unnest(p.proconfig) c where c like 'search_path=%'), '')
                 as search_path,
               exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
                       where grantee = 0) as for_everybody
        from pg_proc p where p.pronamespace = 'obelisk'::regnamespace and p.prosecdef
        """
    )
    names = {row["name"] for row in rows}
    assert {"search_in_space", "create_space", "waiting_spaces", "beat"} <= names
    for row in rows:
        # Tables are made and dropped by whoever owns the schema, and so by this function alone.
        if row["name"] != "keep_event_weeks":
            owners = ("obelisk_search", "obelisk_system", "obelisk_identity")
            assert row["owner"] in owners, row["name"]
        assert not row["for_everybody"], row["name"]
        path = row["search_path"].removeprefix("search_path=").split(", ")
        assert path[0] == "obelisk", row["name"]
        assert path[-1] == "pg_temp", row["name"]
        assert set(path) <= {"obelisk", "public", "pg_temp"}, row["name"]


async def test_a_stranger_to_the_database_reaches_nothing(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert not await superuser.fetchval("select has_schema_privilege('public', 'obelisk', 'usage')")
    granted = await superuser.fetch(
        """
        select c.relname from pg_class c, aclexplode(c.relacl) acl
        where c.relnamespace = 'obelisk'::regnamespace and acl.grantee = 0
        """
    )
    assert granted == []
