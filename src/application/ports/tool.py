from dataclasses import dataclass
from typing import Protocol

from domain.identifiers import SpaceId
from domain.retrieval.passage import FusedPassage
from domain.tenancy.settings import SpaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInput:
    """What a tool may look at: the question, what was retrieved, and the space's settings."""

    space: SpaceId
    question: str
    passages: tuple[FusedPassage, ...]
    settings: SpaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """`result` is JSON-plain; `brief` says it to the model; `passages` join the candidates."""

    result_json: str
    brief: str
    passages: tuple[FusedPassage, ...] = ()


class Tool(Protocol):
    """Something an agent can call. It reads; it never acts on the outside."""

    @property
    def name(self) -> str:
        """The name by which agents' plans call it."""
        ...

    def arguments_json(self, given: ToolInput) -> str:
        """What the call is about, as a JSON object, for the run's log."""
        ...

    async def call(self, given: ToolInput) -> ToolOutput:
        """Do it.

        Raises:
            ObeliskError: it cannot; the message says why.
        """
        ...
