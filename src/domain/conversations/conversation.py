"""A thread of questions and answers."""

from dataclasses import dataclass
from datetime import datetime

from domain.agents.chat import Role
from domain.errors import InvalidInput, NotFound
from domain.identifiers import ConversationId, MessageId, RunId, SpaceId
from domain.plain_text import plain_text

MAX_TITLE_CHARACTERS = 200


class ConversationNotFound(NotFound):
    reason = "CONVERSATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such conversation in this space", field="conversation_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    conversation_id: ConversationId
    space_id: SpaceId
    title: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    message_id: MessageId
    conversation_id: ConversationId
    run_id: RunId
    role: Role
    content: str
    create_time: datetime


def checked_title(title: str) -> str:
    """Return the title without outer white space; raise InvalidInput when too long."""
    text = plain_text(title, "title").strip()
    if len(text) > MAX_TITLE_CHARACTERS:
        raise InvalidInput(
            f"a title has at most {MAX_TITLE_CHARACTERS} characters, not {len(text)}", field="title"
        )
    return text
