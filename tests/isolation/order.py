"""What one pass is told, and what it answers; both travel as JSON."""

from dataclasses import dataclass, field
from typing import Any

from isolation.world import Organization, Space, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`filters` and `policies` say which layer is still there; `every` takes each n-th wrong kind."""

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
    organizations = {name: Organization(**plain[name]) for name in ("victim", "other")}
    spaces = {name: Space(**plain[name]) for name in ("home", "beside", "elsewhere")}
    people = {name: plain[name] for name in ("viewer", "neighbour", "leaver", "mover")}
    return World(**organizations, **spaces, **people, passers_by=tuple(plain["passers_by"]))
