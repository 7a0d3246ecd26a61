"""What an answer gives away."""

from collections.abc import Iterable
from statistics import median

from isolation.cases import Case
from isolation.kinds import Scope
from isolation.knocking import MISTAKES, OK, Answer

# What shows nothing: the case would have to be tried again.
_NO_ANSWERS = frozenset(
    {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "CANCELLED"}
)
_REFUSALS = frozenset({"NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT"})


def leaks(case: Case, answer: Answer, twin: Case, of_twin: Answer) -> Iterable[str]:
    """Why this answer leaks, in words; nothing when it does not.

    `twin` is the same request with ids that exist nowhere.
    """
    seen = [
        word
        for word in case.actor.forbidden - case.sent - {case.request.space}
        if word.encode() in answer.everything
    ]
    if seen:
        yield f"shows {', '.join(sorted(seen))}"
    if answer.status in _NO_ANSWERS or answer.reason in MISTAKES:
        yield f"was never answered: {_short(answer)}"
    if _said(case, answer) != _said(twin, of_twin):
        yield f"tells an id that exists from one that does not: {_short(answer)}, {_short(of_twin)}"
    if _must_be_refused(case) and answer.status not in _REFUSALS:
        yield f"is not refused: {_short(answer)}"


def _must_be_refused(case: Case) -> bool:
    if case.actor.token is None:
        return case.rpc.scope is not Scope.OPEN
    confined = case.rpc.scope in (Scope.SPACE, Scope.ORGANIZATION, Scope.OPERATOR)
    return case.actor.reader and confined and case.rpc.changes


def _said(case: Case, answer: Answer) -> tuple[str, str, str]:
    message = answer.message
    for sent in case.sent:
        message = message.replace(sent, "<id>")
    return answer.status, answer.reason, message


def _short(answer: Answer) -> str:
    return answer.status if answer.status == OK else f"{answer.status} {answer.reason}"


class Times:
    """How long refusals took, of ids that exist and of ids that do not; told, never judged."""

    def __init__(self) -> None:
        self._foreign: list[float] = []
        self._missing: list[float] = []

    def of_foreign(self, answer: Answer) -> None:
        if answer.status == "NOT_FOUND":
            self._foreign.append(answer.seconds)

    def of_missing(self, answer: Answer) -> None:
        if answer.status == "NOT_FOUND":
            self._missing.append(answer.seconds)

    def medians(self) -> tuple[float, float]:
        """In milliseconds; 0 of nothing."""
        both = (self._foreign, self._missing)
        foreign, missing = (round(median(times or [0.0]) * 1000, 2) for times in both)
        return foreign, missing
