"""The contract of `Tool`: what every tool of every agent keeps to."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.events import Said
from application.agents.tools.brand_check import BrandCheck
from application.agents.tools.collection_search import CollectionSearch
from application.agents.tools.keyword_report import KeywordReport, NoPassages
from application.ports.tool import Tool, ToolInput
from application.retrieval.query_vectors import QueryVectors
from application.speculative import Speculative
from domain.agents.state import AgentState
from domain.documents.document import Collection
from domain.errors import ObeliskError, Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.vector import Vector
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.agents import RIVAL, VOICE, Shop, a_shop
from fixtures.house import AGENTS
from fixtures.making import new_id

NAMES = sorted({name for agent in AGENTS.agents for name in agent.plan})
KINDS = (BrandCheck, CollectionSearch, KeywordReport)
HARD = 'Cheap herring? "quoted" \\ \n 数 🎉 {"a": [1]} __interrupt__ </script>'


@pytest.fixture
async def shop() -> Shop:
    return await a_shop()


async def _given(shop: Shop, question: str = "Write about smoked herring") -> ToolInput:
    steps = shop.steps(ScriptedChatModel())
    said: list[Said] = []
    state = await steps.retrieve(shop.task(question), AgentState(), said.append)
    return ToolInput(
        space=shop.home.space, question=question, passages=state.passages, settings=VOICE
    )


def _tool(shop: Shop, name: str) -> Tool:
    return shop.tools()[name]


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_is_called_by_its_name(shop: Shop, name: str) -> None:
    assert _tool(shop, name).name == name
    assert isinstance(_tool(shop, name), KINDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("question", ["Write about smoked herring", HARD])
async def test_what_is_asked_and_answered_are_json_objects(
    shop: Shop, name: str, question: str
) -> None:
    given = await _given(shop, question)
    assert isinstance(json.loads(_tool(shop, name).arguments_json(given)), dict)
    output = await _tool(shop, name).call(given)
    assert isinstance(json.loads(output.result_json), dict)


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_input_has_the_same_answer(shop: Shop, name: str) -> None:
    given = await _given(shop)
    assert await _tool(shop, name).call(given) == await _tool(shop, name).call(given)


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_in_a_space_that_holds_nothing_answers_or_says_why_not(
    shop: Shop, name: str
) -> None:
    elsewhere = ToolInput(
        space=SpaceId(new_id()), question="herring", passages=(), settings=SpaceSettings()
    )
    with suppress(ObeliskError):
        assert (await _tool(shop, name).call(elsewhere)).passages == ()


async def test_a_required_tool_without_passages_says_what_to_do(shop: Shop) -> None:
    nothing = replace(await _given(shop), passages=())
    with pytest.raises(NoPassages, match="upload documents"):
        await _tool(shop, "keyword_report").call(nothing)


@pytest.mark.parametrize("name", NAMES)
async def test_outsiders_words_never_become_instructions(shop: Shop, name: str) -> None:
    output = await _tool(shop, name).call(await _given(shop))
    assert RIVAL.split(".")[0].lower() not in output.brief.lower()
    assert "rival.example" not in output.brief


async def test_brand_check_names_what_breaks_the_rules(shop: Shop) -> None:
    voice = BrandVoice(terms_to_avoid=("Cheap", "best"), claims_needing_proof=("50 % less",))
    given = replace(
        await _given(shop, "Our cheap tins have 50 % less salt."),
        settings=SpaceSettings(brand_voice=voice),
    )
    output = await _tool(shop, "brand_check").call(given)
    result = json.loads(output.result_json)
    assert (result["terms_to_avoid"], result["claims_needing_proof"]) == (["Cheap"], ["50 % less"])
    assert "Cheap" in output.brief
    assert "50 % less" in output.brief


async def test_keyword_report_tells_own_phrases_from_those_of_others(shop: Shop) -> None:
    output = await _tool(shop, "keyword_report").call(await _given(shop))
    result = json.loads(output.result_json)
    own = {keyword["phrase"] for keyword in result["keywords"]}
    gaps = {keyword["phrase"] for keyword in result["gaps"]}
    assert own
    assert gaps
    assert not own & gaps
    assert not any("rival" in phrase for phrase in own)


async def test_a_search_goes_by_words_when_the_question_is_not_embedded(shop: Shop) -> None:
    class Away(HashEmbedder):
        async def embed_query(self, text: str) -> Vector:
            raise Unavailable("the embedder is away")

    search = CollectionSearch(
        name="competitor_scan",
        collection=Collection.WEB,
        index=shop.stores.index,
        vectors=QueryVectors(Away(), Speculative()),
    )
    output = await search.call(await _given(shop))
    assert [one.passage.title for one in output.passages] == ["Rival"]


@pytest.mark.parametrize(
    ("name", "found"), [("competitor_scan", {"Rival"}), ("campaign_precedents", set())]
)
async def test_a_search_stays_in_its_collection(shop: Shop, name: str, found: set[str]) -> None:
    output = await _tool(shop, name).call(await _given(shop))
    assert {fused.passage.title for fused in output.passages} == found
    assert {one["title"] for one in json.loads(output.result_json)["found"]} == found
