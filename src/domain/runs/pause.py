"""A run that waits for a person, and what the person answers."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """`prompt` is what the person is asked."""

    pause_id: str
    prompt: str


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
