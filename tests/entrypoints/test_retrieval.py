"""Who enhances and who re-ranks, by the settings."""

from pathlib import Path

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.entropy import SeededEntropy
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.retrieval.retrieve import RetrievalRequest
from domain.runs.event import StageTimed
from entrypoints.agents import agents_of
from entrypoints.retrieval import SearchModels, build_retrieval
from entrypoints.settings import Settings
from fixtures.making import new_home
from fixtures.stores import memory_stores

SERVER = "http://127.0.0.1:9/v1"


def _settings(folder: Path, **given: object) -> Settings:
    values: dict[str, object] = {"data_dir": folder, "chat_model": "fast", **given}
    return Settings.model_validate(values)


@pytest.mark.parametrize(
    ("given", "enhancer"),
    [
        ({}, "off"),
        ({"chat_model_file": "model.gguf"}, "off"),
        ({"chat_url": SERVER}, "model"),
        ({"chat_url": SERVER, "query_enhancer": "off"}, "off"),
        ({"query_enhancer": "rules"}, "rules"),
        ({"query_enhancer": "model"}, "model"),
    ],
)
def test_by_itself_only_a_model_server_is_asked(
    tmp_path: Path, given: dict[str, object], enhancer: str
) -> None:
    assert _settings(tmp_path, **given).enhancer == enhancer


@pytest.mark.parametrize(
    ("given", "asked", "stages"),
    [
        ({}, 0, set()),
        ({"query_enhancer": "rules", "reranker": "words"}, 0, {"retrieve.enhance"}),
        ({"query_enhancer": "model"}, 1, {"retrieve.enhance"}),
        ({"query_enhancer": "model", "enhancement_budget_ms": 0}, 0, set()),
    ],
)
async def test_whoever_the_settings_name_is_asked(
    tmp_path: Path, given: dict[str, object], asked: int, stages: set[str]
) -> None:
    settings, stores = _settings(tmp_path, **given), memory_stores()
    model, home = ScriptedChatModel("{}"), await new_home(stores.tenancy)
    retrieval = build_retrieval(
        index=stores.index,
        embedder=HashEmbedder(),
        settings_store=stores.settings,
        models=SearchModels(enhancer=model),
        clock=FixedClock(),
        entropy=SeededEntropy(1),
        settings=settings,
    )
    agent = agents_of(settings).get("seo")
    request = RetrievalRequest(
        space=home.space, question="bags", documents=(), config=agent.retrieval
    )
    told: list[StageTimed] = []
    await retrieval.retrieve(request, told.append)
    await retrieval.speculative.close()
    assert len(model.requests) == asked
    assert {one.stage for one in told} & {"retrieve.enhance"} == stages


def test_every_agent_has_the_budget_of_the_settings(tmp_path: Path) -> None:
    agents = agents_of(_settings(tmp_path, enhancement_budget_ms=70)).agents
    assert {agent.retrieval.enhancement.budget_seconds for agent in agents} == {0.07}


@pytest.mark.parametrize(
    ("given", "weight"),
    [
        ({"reranker": "words"}, 0.15),
        ({"reranker": "model"}, 1.0),
        ({"reranker": "model", "reranker_weight": 0.5}, 0.5),
    ],
)
def test_a_model_that_ranks_has_more_to_say_than_words(
    tmp_path: Path, given: dict[str, object], weight: float
) -> None:
    agents = agents_of(_settings(tmp_path, **given)).agents
    assert {agent.retrieval.rerank.weight for agent in agents} == {weight}


@pytest.mark.parametrize(("context", "tokens"), [(2048, 700), (8192, 2457), (32_000, 6_000)])
def test_a_model_that_reads_more_is_given_more_to_read(
    tmp_path: Path, context: int, tokens: int
) -> None:
    agents = agents_of(_settings(tmp_path, chat_context_tokens=context)).agents
    assert {agent.retrieval.budget_tokens for agent in agents} == {tokens}
