"""Enhancement: it joins in time, or it is as if there were none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.events import Said
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.query_enhancer import QueryEnhancer
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import (
    KnowledgeUnavailable,
    RetrievalRequest,
    Retrieve,
    Retrieved,
)
from application.speculative import Speculative
from domain.agents.chat import ChatMessage, Role
from domain.agents.earlier import Earlier
from domain.agents.routing import Step
from domain.agents.state import AgentState
from domain.documents.document import Collection
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.enhancement import EnhancedQuery
from domain.retrieval.passage import Passage
from domain.retrieval.policy import EnhancementPolicy, RetrievalConfig
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.runs.event import StageTimed, TokenBatch
from fixtures.agents import Shop, a_shop, without_plan
from fixtures.index_before import IndexBefore

OWN = frozenset({Collection.PRODUCT, Collection.GENERAL})
BUDGET = 0.2
# What a busy machine may take on top.
SLACK = 0.5
TOPIC = ChatMessage(role=Role.USER, content="When do the boat trips start?")
ANSWER = ChatMessage(role=Role.ASSISTANT, content="On Friday.")
FOLLOW_UP = "And for families?"
TALK = Earlier(history=(TOPIC, ANSWER))


class Says:
    """An enhancer that answers after `seconds`."""

    def __init__(self, *said: EnhancedQuery | None, seconds: float = 0.0) -> None:
        self._said = said
        self._seconds = seconds
        self.asked: list[tuple[str, Earlier]] = []

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        self.asked.append((question, earlier))
        await asyncio.sleep(self._seconds)
        return self._said[0]


class Hangs:
    """Never answers. `cancelled` when it was told to stop."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return None


class Clings:
    """Never answers, and will not stop either until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self.let_go.wait()
        return None


class Breaks:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        raise self._error


class Watched(IndexBefore):
    """Notes what it is asked for; broken or slow for some texts."""

    def __init__(
        self, inner: KnowledgeIndex, *, broken: Sequence[str] = (), slow: Sequence[str] = ()
    ) -> None:
        super().__init__(inner)
        self._broken = broken
        self._slow = slow
        self.texts: list[tuple[str, bool]] = []

    async def hybrid(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        collections: frozenset[Collection],
        limit: int,
    ) -> tuple[Passage, ...]:
        self.texts.append((text, vector is not None))
        if text in self._broken:
            raise Unavailable("the index is away")
        if text in self._slow:
            await asyncio.sleep(30)
        return await super().hybrid(
            space, text=text, vector=vector, model=model, collections=collections, limit=limit
        )


@pytest.fixture
async def shop() -> Shop:
    return await a_shop()


async def _retrieved(
    shop: Shop,
    enhancer: QueryEnhancer | None,
    *,
    question: str = "smoked herring",
    earlier: Earlier = TALK,
    index: KnowledgeIndex | None = None,
    policy: EnhancementPolicy | None = None,
    documents: tuple[DocumentId, ...] = (),
) -> tuple[Retrieved, dict[str, StageTimed], float]:
    speculative = Speculative()
    retrieve = Retrieve(
        index=index or shop.stores.index,
        vectors=QueryVectors(shop.embedder, speculative),
        settings=shop.stores.settings,
        clock=FixedClock(),
        speculative=speculative,
        enhancer=enhancer,
    )
    policy = policy or EnhancementPolicy(budget_seconds=BUDGET)
    request = RetrievalRequest(
        space=shop.home.space,
        question=question,
        documents=documents,
        config=RetrievalConfig(collections=OWN, enhancement=policy),
        earlier=earlier,
    )
    stages: list[StageTimed] = []
    start = asyncio.get_running_loop().time()
    found = await retrieve(request, stages.append)
    took = asyncio.get_running_loop().time() - start
    assert len({stage.stage for stage in stages}) == len(stages)
    return found, {stage.stage: stage for stage in stages}, took


def _ways(found: Retrieved, title: str) -> set[str]:
    return {
        hit.way for fused in found.passages if fused.passage.title == title for hit in fused.hits
    }


async def test_what_an_enhancer_says_is_searched_for_beside_the_question(shop: Shop) -> None:
    index = Watched(shop.stores.index)
    said = EnhancedQuery(text="herring price", alternatives=("fish cost",), entities=("Nordlys",))
    enhancer = Says(said)
    found, stages, _ = await _retrieved(shop, enhancer, index=index)
    assert enhancer.asked == [("smoked herring", TALK)]
    assert ("herring price", True) in index.texts
    assert ("fish cost", True) in index.texts
    assert ("Nordlys", False) in index.texts
    assert [text for text, _ in index.texts].count("smoked herring") == 2
    assert _ways(found, "Products") == {"asked", "enhanced"}
    assert not stages["retrieve.enhance"].degraded


async def test_an_enhanced_search_finds_what_the_question_alone_does_not(shop: Shop) -> None:
    found, _, _ = await _retrieved(shop, Says(EnhancedQuery(text="guided harbour boat trips")))
    assert "enhanced" in _ways(found, "Boats")


async def test_the_documents_referred_to_are_searched_again_too(shop: Shop) -> None:
    boats = shop.documents["boats.md"]
    said = EnhancedQuery(text="guided boat trips")
    found, _, _ = await _retrieved(shop, Says(said), documents=(boats,))
    hits = [hit for f in found.passages if f.passage.document_id == boats for hit in f.hits]
    assert {(hit.stream, hit.way) for hit in hits} >= {
        ("referenced", "asked"),
        ("referenced", "enhanced"),
    }


@pytest.mark.parametrize("question", ["smoked herring", FOLLOW_UP])
async def test_an_enhancer_that_hangs_costs_its_budget_at_most(shop: Shop, question: str) -> None:
    hangs = Hangs()
    bare, _, without = await _retrieved(shop, None, question=question)
    found, stages, took = await _retrieved(shop, hangs, question=question)
    assert took < without + BUDGET + SLACK
    assert found == bare
    assert stages["retrieve.enhance"].degraded
    async with asyncio.timeout(10):
        await hangs.cancelled.wait()


async def test_one_that_will_not_stop_is_not_waited_for_either(shop: Shop) -> None:
    clings = Clings()
    found, stages, took = await _retrieved(shop, clings, question=FOLLOW_UP)
    assert took < BUDGET + SLACK
    assert found.passages
    assert stages["retrieve.enhance"].degraded
    clings.let_go.set()


async def test_a_plain_question_waits_only_a_moment(shop: Shop) -> None:
    policy = EnhancementPolicy(budget_seconds=5.0, patience_seconds=0.02)
    _, _, took = await _retrieved(shop, Hangs(), policy=policy)
    assert took < 1.0


async def test_the_first_token_comes_within_the_budget_of_a_hanging_enhancer(shop: Shop) -> None:
    async def first_token(enhancer: QueryEnhancer | None) -> float:
        task = without_plan(replace(shop.task(FOLLOW_UP), earlier=TALK))
        policy = EnhancementPolicy(budget_seconds=BUDGET)
        config = replace(task.agent.retrieval, enhancement=policy)
        task = replace(task, agent=replace(task.agent, retrieval=config))
        steps = shop.steps(ScriptedChatModel("Nordlys"), enhancer=enhancer)
        loop, tokens = asyncio.get_running_loop(), list[float]()

        def say(said: Said) -> None:
            if isinstance(said, TokenBatch):
                tokens.append(loop.time())

        start, state = loop.time(), AgentState()
        for step in (Step.RETRIEVE, Step.WRITE):
            state = await steps.take(step, task, state, say)
        return tokens[0] - start

    without = await first_token(None)
    assert await first_token(Hangs()) < without + BUDGET + SLACK


@pytest.mark.parametrize(
    "error", [Unavailable("away"), ValueError("broken"), RecursionError(), KeyError("x")]
)
async def test_an_enhancer_that_breaks_changes_nothing(shop: Shop, error: Exception) -> None:
    bare, _, _ = await _retrieved(shop, None)
    found, stages, _ = await _retrieved(shop, Breaks(error))
    assert found == bare
    assert stages["retrieve.enhance"].degraded


async def test_an_enhancer_with_nothing_to_add_changes_nothing(shop: Shop) -> None:
    bare, _, _ = await _retrieved(shop, None)
    found, stages, _ = await _retrieved(shop, Says(None))
    assert found == bare
    assert not stages["retrieve.enhance"].degraded


async def test_an_enhanced_search_that_fails_takes_nothing_from_the_others(shop: Shop) -> None:
    index = Watched(shop.stores.index, broken=("herring price",))
    said = EnhancedQuery(text="herring price", entities=("Nordlys",))
    found, _, _ = await _retrieved(shop, Says(said), index=index)
    assert _ways(found, "Products") == {"asked", "enhanced"}
    assert found.degraded_streams == ()


async def test_what_has_come_by_the_end_of_the_budget_joins_and_the_rest_does_not(
    shop: Shop,
) -> None:
    index = Watched(shop.stores.index, slow=("herring price",))
    said = EnhancedQuery(text="herring price", entities=("Nordlys",))
    found, _, took = await _retrieved(shop, Says(said), question=FOLLOW_UP, index=index)
    assert took < BUDGET + SLACK
    assert "enhanced" in _ways(found, "Products")


async def test_second_waves_leave_room_for_first_ones(shop: Shop) -> None:
    class Counting(IndexBefore):
        at_once = most = 0

        async def hybrid(
            self,
            space: SpaceId,
            *,
            text: str,
            vector: Vector | None,
            model: EmbeddingModel,
            collections: frozenset[Collection],
            limit: int,
        ) -> tuple[Passage, ...]:
            enhanced = text.startswith("other words")
            self.at_once += enhanced
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0.005 if enhanced else 0)
            self.at_once -= enhanced
            return await super().hybrid(
                space, text=text, vector=vector, model=model, collections=collections, limit=limit
            )

    index, speculative = Counting(shop.stores.index), Speculative()
    said = EnhancedQuery(text="other words", alternatives=("other words 2", "other words 3"))
    retrieve = Retrieve(
        index=index,
        vectors=QueryVectors(shop.embedder, speculative),
        settings=shop.stores.settings,
        clock=FixedClock(),
        speculative=speculative,
        enhancer=Says(said),
    )
    policy = EnhancementPolicy(budget_seconds=1.0, patience_seconds=1.0)
    request = RetrievalRequest(
        space=shop.home.space,
        question="smoked herring",
        documents=(),
        config=RetrievalConfig(collections=OWN, enhancement=policy),
    )
    await asyncio.gather(*(retrieve(request, lambda stage: None) for _ in range(6)))
    assert index.most == 4


async def test_without_a_budget_nobody_is_asked(shop: Shop) -> None:
    enhancer = Says(EnhancedQuery(text="herring price"))
    policy = EnhancementPolicy(budget_seconds=0.0)
    _, stages, _ = await _retrieved(shop, enhancer, policy=policy)
    assert enhancer.asked == []
    assert "retrieve.enhance" not in stages


async def test_a_follow_up_is_searched_for_with_what_it_leans_on(shop: Shop) -> None:
    index = Watched(shop.stores.index)
    found, stages, _ = await _retrieved(shop, None, question=FOLLOW_UP, index=index)
    assert {text for text, _ in index.texts} == {f"{TOPIC.content} {FOLLOW_UP}", FOLLOW_UP}
    assert found.passages[0].passage.title == "Boats"
    assert "retrieve.as_asked" in stages


async def test_the_second_wave_can_save_a_first_one_that_failed(shop: Shop) -> None:
    index = Watched(shop.stores.index, broken=("smoked herring",))
    with pytest.raises(KnowledgeUnavailable):
        await _retrieved(shop, None, index=index)
    said = Says(EnhancedQuery(text="herring price"))
    found, _, _ = await _retrieved(shop, said, index=index)
    assert found.passages
    assert found.degraded_streams == ("semantic", "web")


async def test_a_retrieval_that_is_given_up_gives_up_its_enhancer(shop: Shop) -> None:
    hangs = Hangs()
    policy = EnhancementPolicy(budget_seconds=10.0)
    asking = asyncio.ensure_future(_retrieved(shop, hangs, question=FOLLOW_UP, policy=policy))
    await asyncio.sleep(0.05)
    asking.cancel()
    async with asyncio.timeout(10):
        await hangs.cancelled.wait()
        await asyncio.wait({asking})
    assert asking.cancelled()
