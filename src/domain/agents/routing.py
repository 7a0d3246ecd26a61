"""Which step comes next, and when a run is over: pure, so that no engine decides policy."""

from dataclasses import dataclass
from enum import Enum

from domain.agents.definition import AgentDefinition
from domain.runs.pause import Decision
from domain.runs.run import TerminationReason


class Step(Enum):
    """APPROVE is a person's; the others are the agent's own."""

    RETRIEVE = "retrieve"
    ACT = "act"
    WRITE = "write"
    CHECK = "check"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What routing looks at. `iterations` counts tool and model calls; tokens are all models'."""

    retrieved: bool = False
    tools_called: int = 0
    required_tool_failed: bool = False
    drafted: bool = False
    checked: bool = False
    refused: bool = False
    contaminated: bool = False
    iterations: int = 0
    tokens_used: int = 0
    approval_needed: bool = False
    decision: Decision | None = None


def next_step(progress: Progress, agent: AgentDefinition) -> Step | TerminationReason:
    """Decide by rank: contamination, then whatever was written is checked, then limits, then work.

    Every path to an ending passes CHECK once something was drafted.
    """
    if progress.contaminated:
        return TerminationReason.CONTAMINATED
    if progress.drafted:
        return _after_draft(progress)
    if progress.required_tool_failed:
        return TerminationReason.TOOL_FAILED
    if progress.tokens_used >= agent.limits.budget_tokens:
        return TerminationReason.BUDGET
    if progress.iterations >= agent.limits.max_iterations:
        return TerminationReason.MAX_ITERATIONS
    if not progress.retrieved:
        return Step.RETRIEVE
    return Step.ACT if progress.tools_called < len(agent.plan) else Step.WRITE


def _after_draft(progress: Progress) -> Step | TerminationReason:
    if not progress.checked:
        return Step.CHECK
    if progress.refused:
        return TerminationReason.REFUSED
    if progress.decision is Decision.REJECT:
        return TerminationReason.REJECTED
    if progress.approval_needed and progress.decision is None:
        return Step.APPROVE
    return TerminationReason.COMPLETE
