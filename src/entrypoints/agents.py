"""The agents that Obelisk ships, as the settings have them."""

from importlib.resources import files

from domain.agents.catalogue import AGENT_NAMES, default_catalogue
from domain.agents.definition import AgentCatalogue
from domain.retrieval.policy import EnhancementPolicy
from entrypoints.settings import DEFAULT_BUDGET_MS


def shipped_agents(enhancement_budget_ms: int = DEFAULT_BUDGET_MS) -> AgentCatalogue:
    """The catalogue with the prompts that stand beside it."""
    folder = files("domain.agents") / "prompts"
    prompts = {name: (folder / f"{name}.md").read_text(encoding="utf-8") for name in AGENT_NAMES}
    enhancement = EnhancementPolicy(budget_seconds=enhancement_budget_ms / 1000)
    return default_catalogue(prompts).with_enhancement(enhancement)
