"""What a retrieval looks for: four streams, their deadlines and weights, and what fits."""

from dataclasses import dataclass, field
from enum import Enum

from domain.documents.document import Collection


class Stream(Enum):
    """Where passages come from; BUSINESS brings brand voice and space facts instead."""

    REFERENCED = "referenced"
    SEMANTIC = "semantic"
    WEB = "web"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPolicy:
    """`weight` multiplies a stream's share in the fusion; a late stream is done without."""

    weight: float = 1.0
    deadline_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancementPolicy:
    """How long the first token may wait for the enhanced second wave.

    `budget_seconds`, from the start, is the most that it may cost at all; 0 turns it off. Only a
    question that needs it gets all of it: any other waits `patience_seconds` after the first wave.
    `weight` is the share of all enhanced searches together, where the question as asked has 1.
    """

    budget_seconds: float = 0.25
    patience_seconds: float = 0.025
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.budget_seconds <= 10.0 or self.patience_seconds < 0.0:
            raise ValueError(
                "an enhancement has a budget of 0 to 10 s, and a patience of 0 or more"
            )
        if not 0.0 < self.weight <= 10.0:
            raise ValueError(
                f"the weight of an enhancement lies over 0 and up to 10: {self.weight}"
            )

    def patience(self, *, spent: float, needed: bool) -> float:
        """Seconds to wait on, once the first wave is there, `spent` seconds after the start."""
        left = max(self.budget_seconds - spent, 0.0)
        return left if needed else min(left, self.patience_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankPolicy:
    """`weight` is the re-ranker's share, where the fused order has 1; more for a cross-encoder."""

    weight: float = 0.15
    deadline_seconds: float = 0.3


def _default_streams() -> dict[Stream, StreamPolicy]:
    return {
        Stream.REFERENCED: StreamPolicy(weight=2.0),
        Stream.SEMANTIC: StreamPolicy(weight=1.0),
        Stream.WEB: StreamPolicy(weight=0.7),
        Stream.BUSINESS: StreamPolicy(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalConfig:
    """`collections` are those of the semantic stream; `budget_tokens` count in the chat model.

    Of one document, `per_document` passages come before those of others are through.
    """

    collections: frozenset[Collection]
    top_k: int = 8
    budget_tokens: int = 700
    per_document: int = 3
    streams: dict[Stream, StreamPolicy] = field(default_factory=_default_streams)
    enhancement: EnhancementPolicy = field(default_factory=EnhancementPolicy)
    rerank: RerankPolicy = field(default_factory=RerankPolicy)

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.budget_tokens < 1 or self.per_document < 1:
            raise ValueError("top_k, budget_tokens and per_document count from 1")
        if set(self.streams) != set(Stream):
            raise ValueError("a retrieval configuration names all four streams")
