"""An agent as data: what it is told, what it may call, what it reads and how long it may take."""

from dataclasses import dataclass, replace

from domain.errors import InvalidInput
from domain.retrieval.policy import EnhancementPolicy, RerankPolicy, RetrievalConfig


class UnknownAgent(InvalidInput):
    reason = "UNKNOWN_AGENT"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"there is no agent {name!r:.80}; ask one of {', '.join(known)}", field="agent"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """`max_iterations` counts tool and model calls; `budget_tokens` prompt and answer together."""

    max_iterations: int = 6
    deadline_seconds: float = 300.0
    budget_tokens: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDefinition:
    """`plan` is the sequence of tools called before writing; `required` ones may not fail.

    `prompt` is the text of `domain/agents/prompts/<name>.md`; `brief` is what a small model is told
    in its place when it has no source to write from.
    """

    name: str
    display_name: str
    description: str
    prompt: str
    brief: str
    temperature: float
    max_answer_tokens: int
    plan: tuple[str, ...]
    required: frozenset[str]
    retrieval: RetrievalConfig
    limits: RunLimits

    def __post_init__(self) -> None:
        if not self.required <= set(self.plan):
            raise ValueError(f"agent {self.name}: required tools must be in the plan")
        if not self.prompt.strip():
            raise ValueError(f"agent {self.name}: its prompt is empty")


@dataclass(frozen=True, slots=True)
class AgentCatalogue:
    """The agents of this deployment, by name."""

    agents: tuple[AgentDefinition, ...]

    def get(self, name: str) -> AgentDefinition:
        """Raises UnknownAgent, naming those that there are."""
        for agent in self.agents:
            if agent.name == name:
                return agent
        raise UnknownAgent(name, tuple(agent.name for agent in self.agents))

    def with_retrieval(
        self, enhancement: EnhancementPolicy, rerank: RerankPolicy, budget_tokens: int
    ) -> "AgentCatalogue":
        """The same agents, each with these policies and so many tokens of sources."""

        def changed(config: RetrievalConfig) -> RetrievalConfig:
            return replace(
                config, enhancement=enhancement, rerank=rerank, budget_tokens=budget_tokens
            )

        return AgentCatalogue(
            tuple(replace(agent, retrieval=changed(agent.retrieval)) for agent in self.agents)
        )
