"""The victim's belongings, byte for byte, before and after."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from isolation.world import World

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# A partition's rows are its table's.
TABLES = """
    select c.relname as name from pg_class c
    where c.relnamespace = 'obelisk'::regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition order by 1
"""
# Where a caller's own row may hold an id as the caller sent it.
_AS_SENT = frozenset(
    {"audit_events", "authority_changes", "principal_epochs", "runs", "run_events"}
)
# Who acts in the victim's organization is in its log, also when the act was refused.
_LOG = "audit_events"
Row: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`rows` are table and row as JSON; `files` are path and digest."""

    rows: Counter[Row]
    files: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Row], files: Mapping[str, str]) -> "Snapshot":
        return cls(rows=Counter(rows), files=files)


async def take(connection: "Connection", blobs: Path) -> Snapshot:
    """`connection` is a superuser's, so that no policy hides anything."""
    rows: Counter[Row] = Counter()
    for table in [row["name"] for row in await connection.fetch(TABLES)]:
        for row in await connection.fetch(
            f"select to_jsonb(t)::text as row from obelisk.{table} t"
        ):
            rows[table, row["row"]] += 1
    files = {
        path.relative_to(blobs).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in blobs.rglob("*")
        if path.is_file()
    }
    return Snapshot(rows=rows, files=files)


def changes(world: World, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """What became of anything that is the victim's, in words."""
    for table, text in before.rows - after.rows:
        if is_victims(world, table, json.loads(text)):
            yield f"a row of {table} is not as it was: {_named(world, text)}"
    for table, text in after.rows - before.rows:
        yield from _of_new_row(world, table, text)
    home = f"{world.home.space}/"
    for path in {*before.files, *after.files}:
        if path.startswith(home) and before.files.get(path) != after.files.get(path):
            yield f"the file {path} is not as it was"


def is_victims(world: World, table: str, row: dict[str, Any]) -> bool:
    """Whether a row belongs to the victim: its space, organization, owner, or their session."""
    its, home = world.victim, world.home
    # An owner's standing moves with every space that comes or goes, also with a neighbour's own.
    if table == "principal_epochs" or row.get("kind") == "epoch":
        return False
    if row.get("space_id") is not None:
        return bool(row["space_id"] == home.space)
    mine = {its.owner, its.session, its.token, its.client}
    # Of authority: a user, a session, or a token of a user.
    subject = str(row.get("subject")).partition("/")[0]
    if mine & {subject, *(row.get(name) for name in ("user_id", "session_id", "requester"))}:
        return True
    # Sessions of people who try are their own, though they are bound to the organization.
    return table != "sessions" and row.get("organization_id") == its.organization


def _of_new_row(world: World, table: str, text: str) -> Iterator[str]:
    row = json.loads(text)
    if is_victims(world, table, row) and not _is_logged(world, table, row):
        yield f"a row of {table} appeared: {_named(world, text)}"
    for word in _found(_words(world), text):
        yield f"a new row of {table} holds {word}"
    if table not in _AS_SENT and not is_victims(world, table, row):
        for word in _found(_ids(world), text):
            yield f"a new row of {table} names {word}: {_named(world, text)}"


def _is_logged(world: World, table: str, row: dict[str, Any]) -> bool:
    members = {world.viewer, world.neighbour, world.mover, world.leaver}
    return table == _LOG and row["actor"] in members


def _words(world: World) -> tuple[str, ...]:
    return world.home.content, world.victim.private, world.victim.public


def _ids(world: World) -> tuple[str, ...]:
    named = {**world.home.ids(), **world.victim.ids(), **world.victim.person()}
    return tuple(value for value in named.values() if value != world.victim.organization)


def _found(words: Iterable[str], text: str) -> list[str]:
    return [word for word in words if word in text]


def _named(world: World, text: str) -> str:
    """A row as people read it: ids of the world by their names."""
    for part, its in asdict(world).items():
        names = its.items() if isinstance(its, dict) else [("", its)]
        for name, value in names:
            if isinstance(value, str):
                text = text.replace(value, f"<{part}{name and '.'}{name}>")
    return text[:400]
