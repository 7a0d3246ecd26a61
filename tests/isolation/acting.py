"""People at work in their own tenant: everything works there, and none of it reaches another.

A matrix whose requests were wrong would refuse everybody, and look as if it held.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from isolation.actors import Actor, actors
from isolation.cases import Door, doors, own
from isolation.contract import Rpc, rpcs
from isolation.kinds import Kind, Scope
from isolation.knocking import OK, UNIMPLEMENTED, Visitor
from isolation.world import World

# What must be there for what comes after it goes last.
_LAST = (
    *("AppendUpload", "FinishUpload", "CancelUpload"),
    *("DeleteDocument", "DeleteConversation", "RevokeInvitation", "RevokeServiceClient"),
    *("RemoveSpaceMember", "RemoveMember", "DeleteSpace", "DeleteOrganization"),
)
# Reads that show nothing of any tenant.
_SHOW_NOTHING = frozenset({"ListAgents"})
_LOGS = frozenset({"ListAuditEvents"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """`scopes` are where they may do everything; every read there holds one of the `words`.

    What they `tried` before stands in their own log, as they sent it.
    """

    actor: Actor
    scopes: frozenset[Scope]
    words: frozenset[str]
    tried: frozenset[str] = frozenset()


class Acting:
    """Does everything once through every door; `acts` counts it. `idle` waits for what it began."""

    def __init__(
        self, visitor: Visitor, tokens: Mapping[str, str], idle: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor, self._tokens, self._idle = visitor, tokens, idle
        self.acts = 0

    async def read(self, worker: Worker) -> list[str]:
        """What they could not read of their own, or could of others, in words."""
        return [
            fault
            for rpc in _within(worker)
            if not rpc.changes
            for door in doors(rpc)
            for fault in await self._act(worker, rpc, door)
        ]

    async def change(self, worker: Worker) -> list[str]:
        """What they could not change, until all is gone that was theirs, in words."""
        stays = [rpc for rpc in _within(worker) if rpc.changes and rpc.method.name not in _LAST]
        found = [
            fault
            for rpc in stays
            for door in doors(rpc)
            for fault in await self._act(worker, rpc, door)
        ]
        await self._idle()
        for rpc in _last(worker):
            found += await self._act(worker, rpc, Door.GRPC)
        return found

    async def _act(self, worker: Worker, rpc: Rpc, door: Door) -> Iterator[str]:
        actor = worker.actor
        case = own(rpc, door, actor)
        answer = await self._visitor.knock(case, self._tokens[str(actor.token)])
        self.acts += 1
        return _faults(worker, rpc, str(case), answer.status, answer.message, answer.everything)


def _faults(
    worker: Worker, rpc: Rpc, case: str, status: str, message: str, everything: bytes
) -> Iterator[str]:
    if status == UNIMPLEMENTED:
        return
    if status != OK:
        yield f"{case}: refused, though it is their own: {status} {message}"
    elif _should_show(rpc) and not any(word.encode() in everything for word in worker.words):
        yield f"{case}: shows nothing, though it is their own"
    known = worker.tried if rpc.method.name in _LOGS else frozenset()
    for word in worker.actor.forbidden - known:
        if word.encode() in everything:
            yield f"{case}: shows {word}"


def _should_show(rpc: Rpc) -> bool:
    return not rpc.changes and rpc.method.name not in _SHOW_NOTHING


def owner(world: World) -> Worker:
    """Of everything that others tried to reach; to be asked last."""
    its, home = world.victim, world.home
    ids = {**its.ids(), **its.person(), **home.ids(), Kind.USER: world.viewer}
    return Worker(
        actor=Actor(
            relation="owner",
            token=its.owner,
            organization=its.organization,
            own=ids,
            foreign={},
            forbidden=frozenset(),
        ),
        scopes=frozenset({Scope.SPACE, Scope.ORGANIZATION}),
        words=frozenset({its.public, its.private, home.content, world.viewer}),
    )


def neighbour(world: World) -> Worker:
    """The owner of the space beside, at work on a colleague who is in both."""
    words = frozenset({world.beside.content, world.colleague})
    scopes = frozenset({Scope.SPACE})
    return _at_home(world, "other space", world.colleague, scopes, words)


def stranger(world: World) -> Worker:
    """The owner of the other organization, which is gone in the end."""
    its = world.other
    words = frozenset({its.public, its.private, world.elsewhere.content, world.theirs})
    scopes = frozenset({Scope.SPACE, Scope.ORGANIZATION})
    return _at_home(world, "other organization", world.theirs, scopes, words)


def _at_home(
    world: World, relation: str, user: str, scopes: frozenset[Scope], words: frozenset[str]
) -> Worker:
    """Somebody of the matrix, at work on `user` in what is their own."""
    (found,) = (actor for actor in actors(world) if actor.relation == relation)
    ids = {**found.own, Kind.USER: user}
    actor = replace(found, relation=f"{relation}, at home", own=ids, foreign={})
    tried = frozenset(found.foreign.values())
    return Worker(actor=actor, scopes=scopes, words=words, tried=tried)


def _last(worker: Worker) -> Iterator[Rpc]:
    goes = [rpc for rpc in _within(worker) if rpc.method.name in _LAST]
    yield from sorted(goes, key=lambda rpc: _LAST.index(rpc.method.name))


def _within(worker: Worker) -> Iterator[Rpc]:
    return (rpc for rpc in rpcs() if rpc.scope in worker.scopes)
