"""What an agent knows part-way through a run. JSON-plain (see `domain.plain`) and versioned."""

from dataclasses import dataclass, field, replace

from domain.agents.routing import Progress
from domain.retrieval.passage import FusedPassage
from domain.runs.pause import Answer
from domain.tenancy.settings import SpaceSettings

STATE_VERSION = 1
APPROVAL_PROMPT = "Approve this draft, or reject it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """`result_json` is empty when the tool failed; `brief` says the outcome to the model."""

    tool: str
    result_json: str
    brief: str
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """`passages` were found; `sent` are those that the model was given, in that order.

    `note` is what a person said to the draft.
    """

    version: int = STATE_VERSION
    progress: Progress = field(default_factory=Progress)
    settings: SpaceSettings = field(default_factory=SpaceSettings)
    passages: tuple[FusedPassage, ...] = ()
    degraded_streams: tuple[str, ...] = ()
    outcomes: tuple[ToolOutcome, ...] = ()
    sent: tuple[FusedPassage, ...] = ()
    draft: str = ""
    note: str = ""


def begun(*, require_approval: bool) -> AgentState:
    """What an agent knows before its first step."""
    return AgentState(progress=Progress(approval_needed=require_approval))


def decided(state: AgentState, answer: Answer) -> AgentState:
    """After a person has answered."""
    progress = replace(state.progress, decision=answer.decision)
    return replace(state, progress=progress, note=answer.note)
