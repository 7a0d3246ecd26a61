"""Who is let in and in which order: limits of a space, and questions asked twice."""

import json
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from domain.errors import Conflict, InvalidInput, QuotaExceeded
from domain.runs.run import Run


class DoubleText(Enum):
    """What becomes of a question in a conversation in which an answer is on its way."""

    REJECT = "reject"
    ENQUEUE = "enqueue"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


class ConversationBusy(Conflict):
    reason = "CONVERSATION_BUSY"

    def __init__(self) -> None:
        super().__init__(
            "an answer in this conversation is on its way; wait for it, or ask with another "
            "double_text",
            field="double_text",
        )


class RunQueueFull(QuotaExceeded):
    reason = "RUN_QUEUE_FULL"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} runs of this space wait already; try again when some have ended",
            metadata={"queue_limit": str(limit)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """`running` and `queued` are of one space at a time, over all processes.

    `attempts` says how often a run or a document is taken up before it is parked.
    """

    running: int = 8
    queued: int = 100
    attempts: int = 3

    def __post_init__(self) -> None:
        if min(self.running, self.queued, self.attempts) < 1:
            raise InvalidInput("each limit of runs is 1 at least")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """On which terms a run is accepted."""

    limits: RunLimits = RunLimits()
    double_text: DoubleText = DoubleText.ENQUEUE


USUAL_TERMS = Admission()


def fingerprint(run: Run, admission: Admission) -> str:
    """SHA-256 over everything that was asked for: equal only for the same request."""
    terms = [run.require_approval, admission.double_text.value]
    if terms == [False, DoubleText.ENQUEUE.value]:
        return run.question.fingerprint()
    return sha256(json.dumps([run.question.fingerprint(), *terms]).encode()).hexdigest()
