from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from domain.identifiers import SpaceId
from domain.retrieval.passage import FusedPassage
from domain.tenancy.settings import SpaceSettings


class Effect(Enum):
    """What may become of a call whose outcome was lost with its process.

    NONE: the tool only reads, and is called again. KEYED: it acts, and once only for each
    `idempotency_key`; it is called again with the same one. ONCE: it acts and cannot tell; it is
    not called again, and the run is told that nobody knows whether it was done.
    """

    NONE = "none"
    KEYED = "keyed"
    ONCE = "once"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInput:
    """What a tool may look at: the question, what was retrieved, and the space's settings.

    `idempotency_key` is the same in every attempt at this step, and for no other step of any run.
    """

    space: SpaceId
    question: str
    passages: tuple[FusedPassage, ...]
    settings: SpaceSettings
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """`result` is JSON-plain; `brief` says it to the model; `passages` join the candidates."""

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
