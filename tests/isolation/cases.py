"""The matrix itself: every RPC, every place that takes an id, every kind of id, every door."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from isolation.actors import TOKENLESS, Actor
from isolation.contract import SPACE_HEADER, Rpc, Site, rpcs
from isolation.kinds import OPTIONAL, TEXTS, Kind, Scope
from isolation.world import new_id

Json: TypeAlias = "str | Sequence[Json] | Mapping[str, Json]"
Replaced: TypeAlias = tuple[tuple[Site, Kind], ...]


class Door(Enum):
    GRPC = "gRPC"
    REST = "REST"
    SSE = "SSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent: fields by their proto names, and the space named in the header, if any."""

    fields: Mapping[str, Json]
    space: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`replaced` says which places hold a foreign id of which kind; `twin` holds ids of nothing.

    `sent` are the ids that the request itself names.
    """

    rpc: Rpc
    door: Door
    actor: Actor
    replaced: Replaced
    request: Request
    sent: frozenset[str]

    @property
    def twin(self) -> tuple[object, ...]:
        """What a request of ids that exist nowhere has in common with this one."""
        places = tuple(site.name for site, _ in self.replaced)
        return self.rpc.short, self.door, self.actor.relation, places

    def __str__(self) -> str:
        tried = ", ".join(f"{site.name}={kind.value}" for site, kind in self.replaced) or "own ids"
        return f"{self.actor.relation}: {self.rpc.short} over {self.door.value} with {tried}"


def cases(everybody: tuple[Actor, ...]) -> Iterator[Case]:
    """All of them, in no particular order of importance."""
    for actor in everybody:
        for rpc in rpcs():
            if actor.token is None or rpc.scope is not Scope.OPEN:
                for replaced in _replacements(rpc, actor):
                    yield from _through_every_door(rpc, actor, replaced)


def doors(rpc: Rpc) -> tuple[Door, ...]:
    return (Door.GRPC, Door.REST, Door.SSE) if rpc.streams else (Door.GRPC, Door.REST)


def missing(case: Case) -> Case:
    """The same request with ids of nothing in the places of the foreign ones."""
    values = {site: new_id() for site, _ in case.replaced}
    return _case(case.rpc, case.door, case.actor, case.replaced, values)


def own(rpc: Rpc, door: Door, actor: Actor) -> Case:
    """A request that names nothing but what is the actor's own."""
    return _case(rpc, door, actor, (), {})


def _through_every_door(rpc: Rpc, actor: Actor, replaced: Replaced) -> Iterator[Case]:
    values = {site: actor.foreign[kind] for site, kind in replaced}
    for door in doors(rpc):
        yield _case(rpc, door, actor, replaced, values)


def _replacements(rpc: Rpc, actor: Actor) -> Iterator[Replaced]:
    """Each place by itself with every kind; all places at once with what belongs there."""
    if actor.reader or actor.relation == TOKENLESS:
        yield ()
    sites = (SPACE_HEADER, *rpc.fields)
    if actor.relation == TOKENLESS and rpc.scope is not Scope.OPEN:
        return
    for site in sites:
        for kind in actor.foreign:
            yield ((site, kind),)
    right = tuple((site, site.kind) for site in sites if site.kind in actor.foreign)
    if len(right) > 1:
        yield tuple((site, kind) for site, kind in right if kind is not None)


def _case(
    rpc: Rpc, door: Door, actor: Actor, replaced: Replaced, values: Mapping[Site, str]
) -> Case:
    space = values.get(SPACE_HEADER, actor.own[Kind.SPACE] if rpc.scope is Scope.SPACE else None)
    fields: dict[str, Json] = dict(_texts(rpc))
    # A header that the call does not read: nothing of the caller's own may suffer for trying it.
    idle = set(values) == {SPACE_HEADER} and rpc.changes and rpc.scope is not Scope.SPACE
    for site in rpc.fields:
        value = values.get(site, new_id() if idle else _own(rpc, site, actor))
        if value is not None:
            _put(fields, site, value)
    return Case(
        rpc=rpc,
        door=door,
        actor=actor,
        replaced=replaced,
        request=Request(fields=fields, space=space),
        sent=frozenset(values.values()),
    )


def _own(rpc: Rpc, site: Site, actor: Actor) -> str | None:
    """What stands in a place that tries nothing; None where it may be empty."""
    field = site.path[-1]
    if field not in rpc.captures and OPTIONAL & {field, f"{rpc.method.name}.{field}"}:
        return None
    return actor.own[site.kind] if site.kind is not None else new_id()


def _texts(rpc: Rpc) -> Iterator[tuple[str, Json]]:
    for field in rpc.method.input_type.fields:
        text = TEXTS.get(f"{rpc.method.name}.{field.name}", TEXTS.get(field.name))
        if text is not None:
            yield field.name, text


def _put(fields: dict[str, Json], site: Site, value: str) -> None:
    """`a.b` is a list of messages `a` with a field `b`, as far as the contract goes."""
    first, *rest = site.path
    leaf: Json = value
    for name in reversed(rest):
        leaf = {name: leaf, "role": TEXTS["role"]} if site.repeated else {name: leaf}
    fields[first] = [leaf] if site.repeated else leaf
