"""A run's tokens are watched while a model writes."""

from dataclasses import replace

import pytest

from adapters.langgraph.runner import LangGraphRunner
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.spending import Spending
from domain.agents.budget import BudgetSpent
from domain.agents.chat import ChatMessage, ChatRequest, Role
from domain.agents.task import AgentTask
from domain.runs.event import TokenBatch
from fixtures.agents import Shop, a_shop, without_plan


class Counter:
    """Counts words; `texts` are those that it was asked about."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> int:
        self.texts.append(text)
        return len(text.split())


def _request(words: int) -> ChatRequest:
    prompt = ChatMessage(role=Role.USER, content="fish " * words)
    return ChatRequest(messages=(prompt,), temperature=0, max_tokens=100)


async def test_what_is_far_from_the_budget_is_not_counted() -> None:
    count = Counter()
    spending = Spending(budget=1000, used=0, count=count)
    await spending.begin(_request(50))
    for _ in range(50):
        await spending.write("herring ")
    assert count.texts == []


async def test_a_prompt_beyond_the_budget_is_never_sent() -> None:
    with pytest.raises(BudgetSpent):
        await Spending(budget=50, used=0, count=Counter()).begin(_request(50))
    with pytest.raises(BudgetSpent):
        await Spending(budget=70, used=20, count=Counter()).begin(_request(50))


async def test_an_answer_is_stopped_soon_after_its_last_token_and_not_before() -> None:
    count, written = Counter(), 0
    spending = Spending(budget=300, used=20, count=count)
    await spending.begin(_request(80))

    async def write() -> None:
        nonlocal written
        while True:
            await spending.write("herring ")
            written += 1

    with pytest.raises(BudgetSpent):
        await write()
    assert 200 <= written + 1 <= 210
    assert len(count.texts) < written / 2


async def test_what_a_call_has_used_is_known_exactly_at_its_end() -> None:
    spending = Spending(budget=100, used=0, count=Counter())
    await spending.begin(_request(10))
    spending.end(95)
    with pytest.raises(BudgetSpent):
        await spending.begin(_request(10))


def _with_budget(shop: Shop, tokens: int) -> AgentTask:
    task = without_plan(shop.task())
    limits = replace(task.agent.limits, budget_tokens=tokens)
    return replace(task, agent=replace(task.agent, limits=limits))


async def test_an_agent_stops_its_model_in_mid_answer_and_what_it_said_is_kept() -> None:
    shop, model = await a_shop(), ScriptedChatModel(*(f"word{n} " for n in range(3000)))
    said: list[str] = []

    async def listen() -> None:
        async for kind in LangGraphRunner(shop.steps(model)).run(_with_budget(shop, 1000)):
            if isinstance(kind, TokenBatch):
                said.append(kind.text)

    with pytest.raises(BudgetSpent):
        await listen()
    words = "".join(said).split()
    assert words == [f"word{n}" for n in range(len(words))]
    assert 500 < len(words) < 1000
    assert model.streaming == 0
