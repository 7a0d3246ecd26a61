"""The four agents that Obelisk ships. Their prompts are the files beside this one."""

from collections.abc import Mapping

from domain.agents.definition import AgentCatalogue, AgentDefinition, RunLimits
from domain.documents.document import Collection
from domain.retrieval.policy import RetrievalConfig

AGENT_NAMES = ("brand", "email", "seo", "strategy")

_BRAND, _PRODUCT = Collection.BRAND, Collection.PRODUCT
_CAMPAIGN, _GENERAL = Collection.CAMPAIGN, Collection.GENERAL


def default_catalogue(prompts: Mapping[str, str]) -> AgentCatalogue:
    """Build the catalogue from the prompts' texts, keyed by agent name."""
    return AgentCatalogue(
        (
            _brand(prompts["brand"]),
            _email(prompts["email"]),
            _seo(prompts["seo"]),
            _strategy(prompts["strategy"]),
        )
    )


def _brand(prompt: str) -> AgentDefinition:
    return AgentDefinition(
        name="brand",
        display_name="Brand",
        description="Writes and checks copy against the brand's voice and rules.",
        prompt=prompt,
        brief="You write marketing copy in the company's own voice. Use only the facts given.",
        temperature=0.2,
        max_answer_tokens=240,
        plan=("brand_check",),
        required=frozenset({"brand_check"}),
        retrieval=RetrievalConfig(collections=frozenset({_BRAND, _PRODUCT, _GENERAL}), top_k=6),
        limits=RunLimits(),
    )


def _email(prompt: str) -> AgentDefinition:
    return AgentDefinition(
        name="email",
        display_name="Email",
        description="Writes newsletters and campaign emails from products and past campaigns.",
        prompt=prompt,
        brief="You write marketing emails. Use only the facts given.",
        temperature=0.2,
        max_answer_tokens=320,
        plan=("campaign_precedents",),
        required=frozenset(),
        retrieval=RetrievalConfig(collections=frozenset({_PRODUCT, _CAMPAIGN, _BRAND, _GENERAL})),
        limits=RunLimits(),
    )


def _seo(prompt: str) -> AgentDefinition:
    return AgentDefinition(
        name="seo",
        display_name="SEO",
        description="Writes search-friendly titles, descriptions and page copy.",
        prompt=prompt,
        brief="You write web page copy. Use only the facts given.",
        temperature=0.2,
        max_answer_tokens=280,
        plan=("keyword_report",),
        required=frozenset({"keyword_report"}),
        retrieval=RetrievalConfig(collections=frozenset({_PRODUCT, _GENERAL, _BRAND})),
        limits=RunLimits(),
    )


def _strategy(prompt: str) -> AgentDefinition:
    return AgentDefinition(
        name="strategy",
        display_name="Strategy",
        description="Plans campaigns from results, products and what competitors say.",
        prompt=prompt,
        brief="You plan marketing campaigns. Use only the facts given.",
        temperature=0.2,
        max_answer_tokens=360,
        plan=("competitor_scan", "campaign_precedents"),
        required=frozenset(),
        retrieval=RetrievalConfig(collections=frozenset({_CAMPAIGN, _PRODUCT, _GENERAL}), top_k=10),
        limits=RunLimits(),
    )
