"""What was said in a conversation before the question that a run answers."""

from dataclasses import dataclass

from domain.agents.chat import ChatMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """`history` word for word, oldest first; `summary` of what was said before it, or nothing.

    A summary is made of members' and agents' words, and those may repeat outsiders': it goes into a
    prompt between two `mark`s, as data.
    """

    summary: str = ""
    mark: str = ""
    history: tuple[ChatMessage, ...] = ()

    def __post_init__(self) -> None:
        if self.summary and not self.mark:
            raise ValueError("a summary stands between marks, and this one has none")
