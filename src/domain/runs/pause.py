"""A run that waits for a person, and what the person answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from domain.errors import FailedPrecondition, InvalidInput
from domain.identifiers import UserId

MAX_NOTE_CHARACTERS = 2000


class Decision(Enum):
    APPROVE = "approve"
    REJECT = "reject"


class PauseNotCurrent(FailedPrecondition):
    reason = "PAUSE_NOT_CURRENT"

    def __init__(self) -> None:
        super().__init__(
            "the run does not wait for an answer to this pause; read the run for the one it has",
            field="pause_id",
        )


class PauseExpired(FailedPrecondition):
    reason = "PAUSE_EXPIRED"

    def __init__(self) -> None:
        super().__init__(
            "nobody answered this pause in time, and the run ends; ask again", field="pause_id"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """`prompt` is what the person is asked."""

    pause_id: str
    prompt: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePolicy:
    """How long a run waits for a person."""

    life: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        if self.life <= timedelta():
            raise InvalidInput("a pause has to last for some time")

    def paused_before(self, now: datetime) -> datetime:
        """Pauses from before that are over at `now`."""
        return now - self.life

    def is_over(self, pause: Pause, now: datetime) -> bool:
        """Whether nobody may answer it any more."""
        return pause.since < self.paused_before(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person says to a pause, checked."""

    pause_id: str
    decision: Decision
    note: str = ""
    user_id: UserId

    def __post_init__(self) -> None:
        if not self.pause_id:
            raise InvalidInput("say which pause is answered, as its event says", field="pause_id")
        if "\x00" in self.pause_id or "\x00" in self.note:
            raise InvalidInput("the answer holds a NUL character; remove it", field="note")
        if len(self.note) > MAX_NOTE_CHARACTERS:
            raise InvalidInput(
                f"a note has at most {MAX_NOTE_CHARACTERS:,} characters, not {len(self.note):,}",
                field="note",
            )
