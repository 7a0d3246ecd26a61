"""A run: one question to one agent, and the states that it passes through."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256

from domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound, OutOfRange
from domain.identifiers import ConversationId, DocumentId, RunId, SpaceId, UserId, WorkerId
from domain.runs.pause import Pause

MAX_QUESTION_CHARACTERS = 8000
MAX_REFERENCED_DOCUMENTS = 20


class RunState(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class TerminationReason(Enum):
    """Why a run ended. Contamination outranks every other reason.

    One that was stopped before its own end has a CancelReason too, which says why.
    """

    COMPLETE = "complete"
    MAX_ITERATIONS = "max_iterations"
    CONTAMINATED = "contaminated"
    TOOL_FAILED = "tool_failed"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    BUDGET = "budget"
    REFUSED = "refused"
    ERROR = "error"
    ATTEMPTS = "attempts"
    REJECTED = "rejected"
    EXPIRED = "expired"


class CancelReason(Enum):
    """Why a run was stopped before its own end; the first reason stays."""

    USER = "user"
    SUPERSEDED = "superseded"
    DEADLINE = "deadline"
    BUDGET = "budget"
    SHUTDOWN = "shutdown"
    EXPIRED = "expired"

    @property
    def ends_as(self) -> TerminationReason:
        """How a run ends that was stopped for this."""
        return _ENDS_AS.get(self, TerminationReason.CANCELLED)


_ENDS_AS = {
    CancelReason.DEADLINE: TerminationReason.DEADLINE,
    CancelReason.BUDGET: TerminationReason.BUDGET,
    CancelReason.EXPIRED: TerminationReason.EXPIRED,
}


class RunNotFound(NotFound):
    reason = "RUN_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such run in this space", field="run_id")


class RequestIdReused(AlreadyExists):
    reason = "REQUEST_ID_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "this request_id started a different run; use a new one for a new question",
            field="request_id",
        )


class FenceLost(Conflict):
    """Another writer has taken the run over, or it has ended: this one must stop."""

    reason = "FENCE_LOST"

    def __init__(self) -> None:
        super().__init__("the run has another writer, or has ended")


class CursorBeyondEnd(OutOfRange):
    reason = "CURSOR_BEYOND_END"

    def __init__(self, last_sequence: int) -> None:
        super().__init__(
            f"after_sequence lies beyond the run's last event ({last_sequence})",
            field="after_sequence",
            metadata={"last_sequence": str(last_sequence)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of an agent, checked."""

    agent: str
    text: str
    conversation_id: ConversationId | None = None
    document_ids: tuple[DocumentId, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidInput("ask something: the question is empty", field="question")
        if "\x00" in self.text:
            raise InvalidInput("the question holds a NUL character; remove it", field="question")
        if len(self.text) > MAX_QUESTION_CHARACTERS:
            raise InvalidInput(
                f"a question has at most {MAX_QUESTION_CHARACTERS} characters, "
                f"not {len(self.text)}",
                field="question",
            )
        if len(self.document_ids) > MAX_REFERENCED_DOCUMENTS:
            raise InvalidInput(
                f"a question refers to at most {MAX_REFERENCED_DOCUMENTS} documents",
                field="document_ids",
            )

    def fingerprint(self) -> str:
        """SHA-256 over everything asked: equal only for the same request."""
        parts = [self.agent, self.text, str(self.conversation_id), *map(str, self.document_ids)]
        return sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`last_sequence` counts the events of its log; `fence` the writers it has had.

    `attempts` counts how often it was taken up to be executed; a process that hands it back in good
    order spends none. `worker_id` names the process that it is with while it is RUNNING.
    """

    run_id: RunId
    space_id: SpaceId
    user_id: UserId
    question: Question
    state: RunState
    termination_reason: TerminationReason | None
    last_sequence: int
    fence: int
    cancel_requested: bool
    create_time: datetime
    end_time: datetime | None
    attempts: int = 0
    cancel_reason: CancelReason | None = None
    worker_id: WorkerId | None = None
    require_approval: bool = False
    pause: Pause | None = None
