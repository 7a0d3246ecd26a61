"""What one pass is told, and what it answers; both travel as JSON."""

from dataclasses import dataclass, field
from typing import Any

from isolation.world import PEOPLE, Organization, Space, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`filters` and `policies` say which layer is there; `every` takes each n-th case of an id
    of a wrong kind, from the `offset`-th on.
    """

    name: str
    owner_dsn: str
    application_dsn: str
    pooler: bool
    redis_url: str
    folder: str
    world: dict[str, Any]
    filters: bool = True
    policies: bool = True
    every: int = 1
    offset: int = 0


@dataclass(slots=True, kw_only=True)
class Findings:
    """What one pass tried and found.

    `rewritten` are statements and functions that lost a filter, `open_tables` those without
    row-level security; the medians are of refusals, for ids that exist and ids that do not.
    """

    cases: int = 0
    leaks: list[str] = field(default_factory=list)
    not_there_yet: list[str] = field(default_factory=list)
    controls: int = 0
    rewritten: int = 0
    open_tables: int = 0
    foreign_ms: float = 0.0
    missing_ms: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def world_of(plain: dict[str, Any]) -> World:
    """The inverse of `dataclasses.asdict`."""
    people = (str(plain[name]) for name in PEOPLE)
    viewer, colleague, theirs, neighbour, leaver, mover = people
    return World(
        victim=Organization(**plain["victim"]),
        other=Organization(**plain["other"]),
        home=Space(**plain["home"]),
        beside=Space(**plain["beside"]),
        elsewhere=Space(**plain["elsewhere"]),
        viewer=viewer,
        colleague=colleague,
        theirs=theirs,
        neighbour=neighbour,
        leaver=leaver,
        mover=mover,
        passers_by=tuple(plain["passers_by"]),
    )
