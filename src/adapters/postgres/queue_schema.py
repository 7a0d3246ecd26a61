"""The task engine's own tables: in a schema of their own, brought up to the installed version.

They hold jobs that say nothing but that there is work: no row of them belongs to any tenant.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from adapters.postgres.statements import statements

_SQL = statements("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSchema:
    """`whole` makes it anew; `steps` lead from older versions to it, in order, by name."""

    whole: str
    steps: dict[str, str]


def installed() -> QueueSchema:
    """What the installed engine wants, read from its files: importing it takes long."""
    package = find_spec("procrastinate")
    if package is None or package.origin is None:
        raise FileNotFoundError("procrastinate is not installed")
    folder = Path(package.origin).parent / "sql"
    steps = sorted((folder / "migrations").glob("*.sql"))
    return QueueSchema(
        whole=(folder / "schema.sql").read_text(encoding="utf-8"),
        steps={step.name: step.read_text(encoding="utf-8") for step in steps},
    )


async def bring_up(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Make or update the engine's tables; whether there was anything to do."""
    wanted = installed()
    async with connection.transaction():
        await connection.execute(_SQL["prepare"])
        rows = await connection.fetch(_SQL["applied"])
        applied = {row["name"] for row in rows}
        missing = {name: sql for name, sql in wanted.steps.items() if name not in applied}
        if not missing:
            return False
        await connection.execute(_SQL["enter"])
        for sql in missing.values() if applied else [wanted.whole]:
            await connection.execute(sql)
        await connection.executemany(_SQL["record"], [(name,) for name in missing])
        await connection.execute(_SQL["let_in"])
    return True
