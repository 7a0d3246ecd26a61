"""The victim itself may do all of it: a matrix whose requests were wrong would refuse everybody."""

from collections.abc import AsyncIterator, Iterator

from isolation.actors import Actor
from isolation.cases import Case, Door, doors, own
from isolation.contract import Rpc, rpcs
from isolation.kinds import Kind, Scope
from isolation.knocking import OK, UNIMPLEMENTED, Visitor
from isolation.world import World

# What must be there for what comes after it goes last.
_LAST = (
    *("DeleteDocument", "DeleteConversation", "RevokeInvitation", "RevokeServiceClient"),
    *("RemoveSpaceMember", "RemoveMember", "DeleteSpace", "DeleteOrganization"),
)
# Reads that show nothing of any tenant.
_SHOW_NOTHING = frozenset({"ListAgents"})


async def controls(visitor: Visitor, token: str, world: World) -> AsyncIterator[str]:
    """What the owner of everything cannot do, or is not shown, in words."""
    owner = _owner(world)
    for rpc in _in_order():
        for door in doors(rpc) if rpc.method.name not in _LAST else (Door.GRPC,):
            case = own(rpc, door, owner)
            answer = await visitor.knock(case, token)
            if answer.status == UNIMPLEMENTED:
                continue
            if answer.status != OK:
                yield f"the owner is refused: {case}: {answer.status} {answer.message}"
            elif _should_show(rpc) and not _shown(case, answer.everything, owner):
                yield f"the owner is shown nothing: {case}"


def _in_order() -> Iterator[Rpc]:
    confined = [rpc for rpc in rpcs() if rpc.scope in (Scope.SPACE, Scope.ORGANIZATION)]
    yield from (rpc for rpc in confined if not rpc.changes)
    yield from (rpc for rpc in confined if rpc.changes and rpc.method.name not in _LAST)
    by_name = {rpc.method.name: rpc for rpc in confined}
    yield from (by_name[name] for name in _LAST)


def _owner(world: World) -> Actor:
    its, home = world.victim, world.home
    ids = {**its.ids(), **its.person(), **home.ids(), Kind.USER: world.viewer}
    words = frozenset({its.public, its.private, home.content, world.viewer})
    return Actor(
        relation="owner",
        token=its.owner,
        organization=its.organization,
        own=ids,
        foreign={},
        forbidden=words,
    )


def _should_show(rpc: Rpc) -> bool:
    return not rpc.changes and rpc.method.name not in _SHOW_NOTHING


def _shown(case: Case, everything: bytes, owner: Actor) -> bool:
    return any(word.encode() in everything for word in owner.forbidden)
