"""The events of a run's log: a versioned union. Sequences count from 1 without a gap."""

from dataclasses import dataclass
from datetime import datetime

from domain.identifiers import ChunkId, DocumentId, RunId, UserId
from domain.retrieval.passage import Place
from domain.runs.pause import Decision
from domain.runs.run import CancelReason, Run, TerminationReason

EVENT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQueued:
    run_id: RunId
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    chat_model: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTimed:
    stage: str
    seconds: float
    degraded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage exactly as the model read it; `number` is how an answer cites it, from 1.

    `version` and `span` are those of `domain.retrieval.passage.Passage`; `also_in` are the places
    that say nearly the same and were not read for that.
    """

    number: int
    document_id: DocumentId
    chunk_id: ChunkId
    title: str
    filename: str
    section_path: tuple[str, ...]
    page: int | None
    text: str
    streams: tuple[str, ...]
    version: int = 1
    span: tuple[int, int] = (0, 0)
    also_in: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesRetrieved:
    sources: tuple[Source, ...]
    degraded_streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalled:
    call_id: str
    tool: str
    arguments_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReturned:
    call_id: str
    tool: str
    result_json: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    text: str
    cited_sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRaised:
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecorded:
    model: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused:
    """It waits for a person; ResumeRun names `pause_id`."""

    pause_id: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    pause_id: str
    decision: Decision
    note: str
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDiscarded:
    """The token batches of this draft so far are void; `characters` is how many they held."""

    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    reason: TerminationReason
    detail: str = ""
    cancel_reason: CancelReason | None = None


def stopped(why: CancelReason | None, detail: str = "") -> RunCompleted:
    """The end of a run that was stopped; a user has when nobody says why."""
    why = why or CancelReason.USER
    return RunCompleted(reason=why.ends_as, detail=detail, cancel_reason=why)


EventKind = (
    RunQueued
    | RunStarted
    | StageTimed
    | SourcesRetrieved
    | ToolCalled
    | ToolReturned
    | TokenBatch
    | Drafted
    | WarningRaised
    | UsageRecorded
    | RunPaused
    | RunResumed
    | DraftDiscarded
    | RunCompleted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    sequence: int
    create_time: datetime
    kind: EventKind

    @property
    def is_last(self) -> bool:
        return isinstance(self.kind, RunCompleted)


def first_event(run: Run) -> RunEvent:
    """What every run's log begins with, from the moment that it is accepted."""
    queued = RunQueued(run_id=run.run_id, agent=run.question.agent)
    return RunEvent(sequence=1, create_time=run.create_time, kind=queued)
