"""The four agents that are shipped."""

import inspect

import pytest

from domain.agents.catalogue import AGENT_NAMES
from domain.agents.definition import AgentDefinition, UnknownAgent
from domain.agents.routing import Progress, Step, next_step
from domain.documents.document import Collection
from entrypoints import container
from entrypoints.agents import shipped_agents

AGENTS = shipped_agents()


def test_the_four_agents_are_there() -> None:
    assert tuple(sorted(agent.name for agent in AGENTS.agents)) == AGENT_NAMES
    assert all(AGENTS.get(name).name == name for name in AGENT_NAMES)


def test_an_agent_that_is_not_there_is_refused_in_few_words() -> None:
    with pytest.raises(UnknownAgent) as refusal:
        AGENTS.get("x" * 10_000)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("agent", AGENTS.agents, ids=lambda agent: agent.name)
def test_an_agent_plans_only_tools_that_there_are(agent: AgentDefinition) -> None:
    offered = container.Container.tools.kwargs
    assert agent.plan
    assert set(agent.plan) <= set(offered)


@pytest.mark.parametrize("agent", AGENTS.agents, ids=lambda agent: agent.name)
def test_an_agent_may_finish_its_plan_and_write(agent: AgentDefinition) -> None:
    called = len(agent.plan)
    done = Progress(retrieved=True, tools_called=called, iterations=called)
    assert next_step(done, agent) is Step.WRITE


@pytest.mark.parametrize("agent", AGENTS.agents, ids=lambda agent: agent.name)
def test_saved_web_pages_come_from_their_own_stream_alone(agent: AgentDefinition) -> None:
    assert Collection.WEB not in agent.retrieval.collections


def test_prompts_differ_and_none_is_in_the_code() -> None:
    assert len({agent.prompt for agent in AGENTS.agents}) == len(AGENTS.agents)
    code = inspect.getsource(container)
    assert all(agent.prompt.strip() not in code for agent in AGENTS.agents)


@pytest.mark.parametrize(
    "changed", [{"prompt": "  "}, {"required": frozenset({"teleport"})}], ids=["prompt", "required"]
)
def test_an_agent_that_cannot_be_is_refused(changed: dict[str, object]) -> None:
    agent = AGENTS.agents[0]
    given = {name: getattr(agent, name) for name in agent.__slots__} | changed
    with pytest.raises(ValueError, match=agent.name):
        AgentDefinition(**given)
