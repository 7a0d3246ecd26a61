"""What an agent knows part-way through a run. JSON-plain (see `domain.plain`) and versioned."""

from dataclasses import dataclass, field

from domain.agents.routing import Progress
from domain.retrieval.passage import FusedPassage
from domain.tenancy.settings import SpaceSettings

STATE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """`result_json` is empty when the tool failed; `brief` says the outcome to the model."""

    tool: str
    result_json: str
    brief: str
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """`passages` were found; `sent` are those that the model was given, in that order."""

    version: int = STATE_VERSION
    progress: Progress = field(default_factory=Progress)
    settings: SpaceSettings = field(default_factory=SpaceSettings)
    passages: tuple[FusedPassage, ...] = ()
    degraded_streams: tuple[str, ...] = ()
    outcomes: tuple[ToolOutcome, ...] = ()
    sent: tuple[FusedPassage, ...] = ()
    draft: str = ""
