"""What an agent is asked to do in one run."""

from dataclasses import dataclass, field

from domain.agents.definition import AgentDefinition
from domain.agents.earlier import Earlier
from domain.identifiers import DocumentId, RunId, SpaceId
from domain.runs.journal import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """`earlier` is what its conversation has come to, without the question itself.

    `kept` are the marks of earlier attempts, and `shown_characters` counts what they have shown of
    a draft that is not whole. With `require_approval` a person decides on the finished draft.
    """

    space_id: SpaceId
    run_id: RunId
    agent: AgentDefinition
    question: str
    document_ids: tuple[DocumentId, ...] = ()
    earlier: Earlier = field(default_factory=Earlier)
    require_approval: bool = False
    kept: tuple[Mark, ...] = ()
    shown_characters: int = 0
