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


def _default_streams() -> dict[Stream, StreamPolicy]:
    return {
        Stream.REFERENCED: StreamPolicy(weight=2.0),
        Stream.SEMANTIC: StreamPolicy(weight=1.0),
        Stream.WEB: StreamPolicy(weight=0.7),
        Stream.BUSINESS: StreamPolicy(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalConfig:
    """`collections` are those of the semantic stream; `budget_tokens` count in the chat model."""

    collections: frozenset[Collection]
    top_k: int = 8
    budget_tokens: int = 700
    streams: dict[Stream, StreamPolicy] = field(default_factory=_default_streams)

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.budget_tokens < 1:
            raise ValueError("top_k and budget_tokens count from 1")
        if set(self.streams) != set(Stream):
            raise ValueError("a retrieval configuration names all four streams")
