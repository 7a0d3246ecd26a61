"""What was asked, what watchers saw, what the log holds: everything that is judged in the end."""

from dataclasses import dataclass, field

from obelisk.v1 import conversation_pb2, run_pb2

Events = list[run_pb2.RunEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One doing of a tool. `tag` and `step` say what for; `key` is the idempotency key it had.

    Whoever takes effects on the outside does each key once, as payment and messaging services do.
    """

    tag: str
    step: str
    key: str


@dataclass(slots=True, kw_only=True)
class Sight:
    """What one watcher was told, in the order in which it was told.

    One that has `given_up` waited in vain for the run's end: the run is stuck.
    """

    name: str
    events: Events = field(default_factory=list)
    given_up: bool = False

    @property
    def cursor(self) -> int:
        """The last sequence that it knows, from which it asks to go on."""
        return self.events[-1].sequence if self.events else 0

    @property
    def has_ended(self) -> bool:
        return bool(self.events) and self.events[-1].HasField("completed")


@dataclass(slots=True, kw_only=True)
class Story:
    """One run as its clients know it. `tag` is in its question, and so in its tools' effects."""

    tag: str
    space_id: str
    run_id: str = ""
    conversation_id: str = ""
    needs_approval: bool = False
    sights: list[Sight] = field(default_factory=list)
    log: Events = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`accepted` are the run ids in the database, whoever learned of them.

    `unended` says how those stand there that have not ended, for whoever looks for the cause;
    `connections` is how many there are to the database.
    """

    stories: tuple[Story, ...]
    deeds: tuple[Deed, ...]
    messages: dict[str, tuple[conversation_pb2.Message, ...]]
    accepted: tuple[str, ...]
    unended: tuple[str, ...] = ()
    connections: int = 0
