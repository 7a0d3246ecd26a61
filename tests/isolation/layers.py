"""Takes away one layer of the two, from outside: no switch in the product can do this."""

import re
from typing import TYPE_CHECKING, TypeAlias

from adapters.postgres import statements as loader

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# In a condition alone: `set organization_id = $1` is no filter.
_BOUND = re.compile(
    r"(?P<before>\b(?:where|and|or|on|not|when)\s+\(?\s*)"
    r"(?P<column>(?:\w+\.)?(?:space_id|organization_id))\s*=\s*(?P<value>\$\d+|p_\w+)",
    re.I,
)
_FUNCTIONS = """
    select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition
    from pg_proc p where p.pronamespace = 'obelisk'::regnamespace and p.prokind = 'f'
      and not p.prosecdef
"""
_TABLES = "select tablename from pg_tables where schemaname = 'obelisk'"


def without_filters(sql: str) -> tuple[str, int]:
    """Let each filter by a given space or organization pass every row; also how many there were.

    The parameter stays, so that the statement takes the same arguments of the same types.
    """
    return _BOUND.subn(r"\g<before>(\g<column> = \g<value> or \g<value> is not null)", sql)


def rewrite_statements() -> dict[str, int]:
    """Make every statement that is loaded from now on one without filters; how many lost one.

    The number by file is filled in while the stores are imported, so call this before.
    """
    load, lost = loader.statements, {}

    def statements(file: str) -> dict[str, str]:
        found = load(file)
        lost[file] = sum(1 for sql in found.values() if without_filters(sql)[1])
        return {name: without_filters(sql)[0] for name, sql in found.items()}

    loader.statements = statements
    return lost


async def rewrite_functions(connection: "Connection") -> int:
    """The same for functions that run with the caller's rights; how many were rewritten.

    One that runs with its owner's, such as the search, is a part of the database's own layer.
    """
    rewritten = 0
    for row in await connection.fetch(_FUNCTIONS):
        definition, filters = without_filters(row["definition"])
        if filters:
            await connection.execute(definition)
            rewritten += 1
    return rewritten


async def disable_policies(connection: "Connection") -> int:
    """Row-level security off, on every table; how many."""
    tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
    for table in tables:
        await connection.execute(f"alter table obelisk.{table} disable row level security")
    return len(tables)
