"""The settings of the models that write, embed, look and rank."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from domain.retrieval.policy import EnhancementPolicy, RerankPolicy

_SHIPPED_MODEL_SECTIONS = 4
_SOURCES_SHARE = 0.3
# Ten passages of the longest kind; more would be paid for in each of a run's calls.
_LEAST_SOURCE_TOKENS, _MOST_SOURCE_TOKENS = 700, 6_000
# Of a model that reads both together.
_MODEL_WEIGHT = 1.0


class ModelSettings(BaseSettings):
    """Local ones where nothing is said."""

    chat_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server, such as http://127.0.0.1:11434/v1 (Ollama), or "
        "vertex://PROJECT/LOCATION.",
    )
    chat_model: str | None = Field(default=None, description="The model's name on that server.")
    chat_api_key: SecretStr | None = Field(default=None, description="Its key, if it wants one.")
    chat_model_file: Path | None = Field(
        default=None, description="A GGUF file to run in place of the one that ships."
    )
    chat_context_tokens: int = Field(
        default=2048, ge=512, description="Prompt and answer together, for each request."
    )
    chat_sections: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="From how many sources a small model writes, one by one; 0 for all at once. "
        "The shipped model writes from 4, any other at once.",
    )
    chat_slots: int = Field(default=2, ge=1, le=64, description="Answers written side by side.")

    query_enhancer: Literal["auto", "model", "rules", "off"] = Field(
        default="auto",
        description="Who says in other words what a question looks for: a model, or rules alone. "
        "auto is the model of OBELISK_CHAT_URL, and nobody with a model that runs in this process.",
    )
    query_enhancer_model: str | None = Field(
        default=None,
        description="A faster model on the same server to ask instead; the chat model without.",
    )
    enhancement_budget_ms: int = Field(
        default=250,
        ge=0,
        le=10_000,
        description="By how much enhancing may delay a first token at most, in milliseconds from "
        "the start; 0 for no enhancement.",
    )
    reranker: Literal["off", "words", "model"] = Field(
        default="off",
        description="Who looks at a question and its passages together: words alone, the model of "
        "OBELISK_RERANKER_URL, or nobody.",
    )
    reranker_url: str | None = Field(
        default=None, description="Where Vertex AI ranks: vertex://PROJECT/LOCATION."
    )
    reranker_model: str | None = Field(default=None, description="Its ranking model.")
    reranker_weight: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="The re-ranker's share in the order, where the search has 1. Words have 0.15 "
        "when it is not given, a model 1.",
    )

    embedding_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server for embeddings, or vertex://PROJECT/LOCATION; "
        "local without.",
    )
    embedding_model: str | None = Field(default=None, description="Its embedding model.")
    embedding_dimensions: int = Field(default=768, ge=1, le=4000, description="Its dimensions.")
    embedding_api_key: SecretStr | None = Field(default=None, description="Its key, if any.")
    embedding_query_prefix: str = Field(
        default="", description="What the model wants before a question, such as 'query: '."
    )
    embedding_document_prefix: str = Field(
        default="", description="What the model wants before a passage, such as 'passage: '."
    )
    next_embedding_url: str | None = Field(
        default=None,
        description="As OBELISK_EMBEDDING_URL, for the embedding model that is to come: filled "
        "in while the other one serves, then serving in its place.",
    )
    next_embedding_model: str | None = Field(default=None, description="The coming model's name.")
    next_embedding_dimensions: int = Field(
        default=768, ge=1, le=4000, description="The coming model's dimensions."
    )
    next_embedding_api_key: SecretStr | None = Field(
        default=None, description="The key of the coming model's server, if any."
    )
    next_embedding_query_prefix: str = Field(
        default="", description="What the coming model wants before a question."
    )
    next_embedding_document_prefix: str = Field(
        default="", description="What the coming model wants before a passage."
    )

    picture_url: str | None = Field(
        default=None,
        description="Where Vertex AI makes vectors of pictures: vertex://PROJECT/LOCATION; local "
        "without.",
    )
    picture_model: str | None = Field(default=None, description="Its multimodal model.")
    picture_dimensions: int = Field(default=3072, ge=1, le=4000, description="Its dimensions.")
    picture_text_prefix: str = Field(
        default="", description="What the model wants before words that look for a picture."
    )
    picture_text_floor: float = Field(
        default=0.05,
        ge=-1,
        le=1,
        description="By how much more like a picture words must be than words that ask for "
        "nothing.",
    )
    picture_floor: float = Field(
        default=0.75, ge=-1, le=1, description="How alike two pictures must be, from -1 to 1."
    )

    @property
    def sections(self) -> int:
        """See `chat_sections`."""
        if self.chat_sections is not None:
            return self.chat_sections
        shipped = self.chat_url is None and self.chat_model_file is None
        return _SHIPPED_MODEL_SECTIONS if shipped else 0

    @property
    def enhancer(self) -> Literal["model", "rules", "off"]:
        """See `query_enhancer`."""
        if self.query_enhancer == "auto":
            return "model" if self.chat_url is not None else "off"
        return self.query_enhancer

    @property
    def enhancement_policy(self) -> EnhancementPolicy:
        """See `enhancement_budget_ms`."""
        return EnhancementPolicy(budget_seconds=self.enhancement_budget_ms / 1000)

    @property
    def source_tokens(self) -> int:
        """How much of a prompt sources may have; the shipped model's is short."""
        share = int(self.chat_context_tokens * _SOURCES_SHARE)
        return max(_LEAST_SOURCE_TOKENS, min(share, _MOST_SOURCE_TOKENS))

    @property
    def rerank_policy(self) -> RerankPolicy:
        """See `reranker_weight`."""
        usual = _MODEL_WEIGHT if self.reranker == "model" else RerankPolicy().weight
        return RerankPolicy(weight=self.reranker_weight or usual)
