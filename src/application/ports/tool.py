from dataclasses import dataclass
from typing import Protocol

from domain.agents.effect import Effect
from domain.identifiers import SpaceId
from domain.retrieval.passage import FusedPassage
from domain.tenancy.settings import SpaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInput:
    """What a tool may look at: the question, what was retrieved, and the space's settings.

    `resolved` is a follow-up question with what it leans on, and empty for any other.
    `idempotency_key` is the same in every attempt at this step, and for no other step of any run.
    """

    space: SpaceId
    question: str
    passages: tuple[FusedPassage, ...]
    settings: SpaceSettings
    idempotency_key: str = ""
    resolved: str = ""

    @property
    def search_text(self) -> str:
        """What to look for."""
        return self.resolved or self.question


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """`result_json` is an object; `brief` says it to the model; `passages` join the candidates.

    What is larger than a run remembers is cut, and says so: the tool was called all the same.
    """

    result_json: str
    brief: str
    passages: tuple[FusedPassage, ...] = ()


class Tool(Protocol):
    """Something an agent can call."""

    @property
    def name(self) -> str:
        """The name by which agents' plans call it."""
        ...

    @property
    def effect(self) -> Effect:
        """Whether it acts on the outside, and may be called again for the same step."""
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
