"""Who tries, in what relation to whom, and what must never come to their eyes."""

from collections.abc import Mapping
from dataclasses import dataclass

from isolation.kinds import Kind
from isolation.world import World, new_id

TOKENLESS = "nobody"
Ids = Mapping[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`own` ids are what a request names where it tries nothing; `foreign` are what it tries.

    `forbidden` are words and ids that no answer may hold, unless the request itself named them.
    A `reader` may look at what is its own and change nothing there. `token` names whose access
    token is sent; None for none at all.
    """

    relation: str
    token: str | None
    organization: str
    own: Ids
    foreign: Ids
    forbidden: frozenset[str]
    reader: bool = False


def actors(world: World) -> tuple[Actor, ...]:
    """Everybody of the matrix."""
    ours, theirs = world.victim, world.other
    home, beside, elsewhere = world.home, world.beside, world.elsewhere
    own_self = {Kind.SESSION: new_id(), Kind.TOKEN: new_id()}
    victim = {**ours.ids(), **ours.person(), **home.ids()}
    other = {**theirs.ids(), **theirs.person(), **elsewhere.ids()}
    # To members of the organization its own name and people are no secret.
    not_for_members = _secrets(home.ids(), [home.content, ours.private]) | _all_of(world)
    # A service of the organization is a member too, and may be let into one's own space.
    from_beside = {
        **{**ours.ids(), Kind.CLIENT: theirs.client},
        **home.ids(),
        **_of_strangers(world),
    }
    in_beside = {**ours.ids(), **beside.ids(), **own_self}
    return (
        Actor(
            relation="other organization",
            token=theirs.owner,
            organization=theirs.organization,
            own={**other, **own_self},
            foreign=victim,
            forbidden=_secrets(victim, [ours.public, ours.private, home.content]),
        ),
        Actor(
            relation="other space",
            token=world.neighbour,
            organization=ours.organization,
            own={**in_beside, Kind.USER: world.colleague},
            foreign=from_beside,
            forbidden=not_for_members,
        ),
        Actor(
            relation="removed from the organization",
            token=world.leaver,
            organization=ours.organization,
            own={kind: new_id() for kind in Kind},
            foreign=victim,
            # Which organization it was bound to stands in the token that they kept.
            forbidden=_secrets(victim, [ours.public, ours.private, home.content])
            - {ours.organization},
        ),
        Actor(
            relation="removed from the space",
            token=world.mover,
            organization=ours.organization,
            own={**in_beside, Kind.USER: world.colleague},
            foreign=from_beside,
            forbidden=not_for_members,
        ),
        Actor(
            relation="viewer",
            token=world.viewer,
            organization=ours.organization,
            own={**ours.ids(), **home.ids(), **own_self, Kind.USER: world.colleague},
            foreign={**ours.ids(), **beside.ids(), **_of_strangers(world)},
            forbidden=_secrets(beside.ids(), [beside.content, ours.private]) | _all_of(world),
            reader=True,
        ),
        Actor(
            relation=TOKENLESS,
            token=None,
            organization=ours.organization,
            own=victim,
            foreign=victim,
            forbidden=_secrets(victim, [ours.public, ours.private, home.content]),
        ),
    )


def _of_strangers(world: World) -> dict[Kind, str]:
    """Names that mean nothing in the victim's organization, where its own people are no secret."""
    return {**world.other.person(), Kind.ORGANIZATION: world.other.organization}


def _all_of(world: World) -> frozenset[str]:
    theirs = world.other
    ids = {**theirs.ids(), **theirs.person(), **world.elsewhere.ids()}
    return _secrets(ids, [theirs.public, theirs.private, world.elsewhere.content])


def _secrets(ids: Ids, words: list[str]) -> frozenset[str]:
    return frozenset([*ids.values(), *words])
