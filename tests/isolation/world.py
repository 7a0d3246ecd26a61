"""Two organizations, three spaces, everybody in them, and words by which each is known if seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex

from adapters.local.entropy import SystemEntropy
from isolation.kinds import Kind

PEOPLE = ("viewer", "colleague", "theirs", "neighbour", "leaver", "mover")
_uuid = SystemEntropy().uuid


def new_id() -> str:
    """Ordered by time, as Obelisk's own."""
    return str(_uuid())


def _marker() -> str:
    """A word that stands nowhere else."""
    return f"zq{token_hex(8)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Its members see `public` words; its owners and admins also `private` ones."""

    organization: str = field(default_factory=new_id)
    invitation: str = field(default_factory=new_id)
    client: str = field(default_factory=new_id)
    receipt: str = field(default_factory=new_id)
    audit: str = field(default_factory=new_id)
    owner: str = field(default_factory=new_id)
    session: str = field(default_factory=new_id)
    token: str = field(default_factory=new_id)
    public: str = field(default_factory=_marker)
    private: str = field(default_factory=_marker)

    def ids(self) -> dict[Kind, str]:
        return {
            Kind.ORGANIZATION: self.organization,
            Kind.INVITATION: self.invitation,
            Kind.CLIENT: self.client,
            Kind.RECEIPT: self.receipt,
            Kind.AUDIT: self.audit,
        }

    def person(self) -> dict[Kind, str]:
        """The owner, a session of theirs, and the token that they use."""
        return {Kind.USER: self.owner, Kind.SESSION: self.session, Kind.TOKEN: self.token}


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Its members see `content` words."""

    space: str = field(default_factory=new_id)
    document: str = field(default_factory=new_id)
    chunk: str = field(default_factory=new_id)
    upload: str = field(default_factory=new_id)
    conversation: str = field(default_factory=new_id)
    message: str = field(default_factory=new_id)
    run: str = field(default_factory=new_id)
    paused: str = field(default_factory=new_id)
    request: str = field(default_factory=new_id)
    content: str = field(default_factory=_marker)

    def ids(self) -> dict[Kind, str]:
        return {
            Kind.SPACE: self.space,
            Kind.DOCUMENT: self.document,
            Kind.CHUNK: self.chunk,
            Kind.UPLOAD: self.upload,
            Kind.CONVERSATION: self.conversation,
            Kind.MESSAGE: self.message,
            Kind.RUN: self.run,
            Kind.PAUSED_RUN: self.paused,
            Kind.REQUEST: self.request,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`victim` lives in `home`; `beside` is another space of the same organization.

    A colleague is in both, and nobody tries anything as one; `theirs` is a member of the other
    organization.
    """

    victim: Organization = field(default_factory=Organization)
    home: Space = field(default_factory=Space)
    beside: Space = field(default_factory=Space)
    other: Organization = field(default_factory=Organization)
    elsewhere: Space = field(default_factory=Space)
    viewer: str = field(default_factory=new_id)
    colleague: str = field(default_factory=new_id)
    theirs: str = field(default_factory=new_id)
    neighbour: str = field(default_factory=new_id)
    leaver: str = field(default_factory=new_id)
    mover: str = field(default_factory=new_id)
    passers_by: tuple[str, ...] = field(default_factory=lambda: tuple(new_id() for _ in range(40)))

    @property
    def members(self) -> tuple[tuple[str, str, str, dict[str, str]], ...]:
        """Who is in which organization, with which role there and in which spaces."""
        home, beside, elsewhere = self.home.space, self.beside.space, self.elsewhere.space
        ours, theirs = self.victim.organization, self.other.organization
        return (
            (self.victim.owner, ours, "owner", {home: "owner"}),
            (self.viewer, ours, "viewer", {home: "viewer"}),
            (self.neighbour, ours, "editor", {beside: "owner"}),
            (self.leaver, ours, "admin", {home: "editor"}),
            (self.mover, ours, "viewer", {home: "editor", beside: "editor"}),
            (self.colleague, ours, "viewer", {home: "editor", beside: "editor"}),
            (self.victim.client, ours, "viewer", {home: "viewer"}),
            (self.other.owner, theirs, "owner", {elsewhere: "owner"}),
            (self.theirs, theirs, "viewer", {elsewhere: "viewer"}),
            (self.other.client, theirs, "viewer", {elsewhere: "viewer"}),
        )

    def people(self) -> Iterator[tuple[str, str]]:
        """Everybody with an account, and the word that their account is known by."""
        yield self.victim.owner, self.victim.public
        yield self.other.owner, self.other.public
        for name in PEOPLE:
            yield getattr(self, name), name
        for number, user in enumerate(self.passers_by):
            yield user, f"passer-by-{number}"
