"""A turn: a question with the answer that it got, and what a run is told of those before it."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.agents.chat import Role
from domain.conversations.conversation import Message
from domain.conversations.summary import Summary
from domain.identifiers import MessageId, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`answer` is empty where the question got none; `ended` says that none can come any more."""

    run_id: RunId
    question: str
    answer: str
    last_message_id: MessageId
    ended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a conversation stands: equal heads mean that nothing has been said or folded since."""

    last_message_id: MessageId | None
    summary_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """Turns after those that the summary covers, oldest first; `head` is of the whole."""

    summary: Summary | None
    turns: tuple[Turn, ...]

    @property
    def head(self) -> Head:
        """Where the conversation stood when this was read."""
        covered = self.summary.last_message_id if self.summary else None
        return Head(
            last_message_id=self.turns[-1].last_message_id if self.turns else covered,
            summary_version=self.summary.version if self.summary else 0,
        )


def turns_of(messages: Iterable[tuple[Message, bool]]) -> tuple[Turn, ...]:
    """Turns out of messages in their order, by run, each with whether its run has ended.

    An answer whose question is not among them is half a turn, and left out.
    """
    turns: list[Turn] = []
    for message, ended in messages:
        if message.role is Role.USER:
            turns.append(
                Turn(
                    run_id=message.run_id,
                    question=message.content,
                    answer="",
                    last_message_id=message.message_id,
                    ended=ended,
                )
            )
        elif turns and turns[-1].run_id == message.run_id:
            turns[-1] = Turn(
                run_id=message.run_id,
                question=turns[-1].question,
                answer=message.content,
                last_message_id=message.message_id,
                ended=ended,
            )
    return tuple(turns)
