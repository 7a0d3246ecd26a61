"""What a run remembers of itself until it ends, so that another process can go on with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from domain.errors import QuotaExceeded

MOST_MARK_BYTES = 1024 * 1024


class MarkTooLarge(QuotaExceeded):
    reason = "CHECKPOINT_TOO_LARGE"

    def __init__(self, name: str, size: int) -> None:
        super().__init__(
            f"what the run would have to remember as {name} takes {size:,} bytes, at most "
            f"{MOST_MARK_BYTES:,} are kept; let it read fewer or shorter passages",
            metadata={"bytes": str(size), "most_bytes": str(MOST_MARK_BYTES)},
        )


class MarkKind(Enum):
    """What a mark is of. A step that has ended voids the WRITEs and TOOLs from before its end."""

    CHECKPOINT = "checkpoint"
    CHANNEL = "channel"
    WRITE = "write"
    TOOL = "tool"
    ANSWER = "answer"


# What concerns a step at work only: its end is in the checkpoint after it.
VOID_AFTER_CHECKPOINT = frozenset({MarkKind.WRITE, MarkKind.TOOL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Kept with the run's events, in their order; one of the same kind, scope and key replaces it.

    `scope` is a graph within the run, and empty at its root. What is `urgent` has to be kept before
    the work goes on.
    """

    kind: MarkKind
    scope: str = ""
    key: str = ""
    payload: bytes
    urgent: bool = False

    def __post_init__(self) -> None:
        if len(self.payload) > MOST_MARK_BYTES:
            raise MarkTooLarge(f"{self.kind.value} {self.key}".strip(), len(self.payload))

    @property
    def name(self) -> tuple[MarkKind, str, str]:
        return self.kind, self.scope, self.key

    def voids(self, other: "Mark") -> bool:
        """Whether `other`, which came before, is of no use any more."""
        if self.name == other.name:
            return True
        ended = self.kind is MarkKind.CHECKPOINT and self.scope == other.scope
        return ended and other.kind in VOID_AFTER_CHECKPOINT


def with_marks(kept: tuple[Mark, ...], more: Iterable[Mark]) -> tuple[Mark, ...]:
    """What is still of use once `more` came after `kept`, each name once, in order."""
    for mark in more:
        kept = (*(old for old in kept if not mark.voids(old)), mark)
    return kept
