"""The agents that Obelisk ships, as the settings have them."""

from importlib.resources import files

from domain.agents.catalogue import AGENT_NAMES, default_catalogue
from domain.agents.definition import AgentCatalogue
from entrypoints.model_settings import ModelSettings


def agents_of(settings: ModelSettings) -> AgentCatalogue:
    """The shipped agents with the policies of the settings."""
    return shipped_agents().with_retrieval(
        settings.enhancement_policy, settings.rerank_policy, settings.source_tokens
    )


def shipped_agents() -> AgentCatalogue:
    """The catalogue with the prompts that stand beside it."""
    folder = files("domain.agents") / "prompts"
    prompts = {name: (folder / f"{name}.md").read_text(encoding="utf-8") for name in AGENT_NAMES}
    return default_catalogue(prompts)
