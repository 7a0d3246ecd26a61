"""What an agent is asked to do in one run."""

from dataclasses import dataclass

from domain.agents.chat import ChatMessage
from domain.agents.definition import AgentDefinition
from domain.identifiers import DocumentId, RunId, SpaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """`history` is the conversation so far, oldest first, without the question itself."""

    space_id: SpaceId
    run_id: RunId
    agent: AgentDefinition
    question: str
    document_ids: tuple[DocumentId, ...] = ()
    history: tuple[ChatMessage, ...] = ()
