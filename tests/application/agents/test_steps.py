"""The four steps of an agent, without an engine."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.events import Said
from application.agents.steps import AgentSteps
from application.ports.tool import ToolInput, ToolOutput
from application.retrieval.retrieve import KnowledgeUnavailable
from domain.agents.chat import ChatMessage, FinishReason, Role
from domain.agents.earlier import Earlier
from domain.agents.effect import Effect
from domain.agents.routing import Progress, Step
from domain.agents.state import AgentState
from domain.agents.task import AgentTask
from domain.documents.document import Collection
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.runs.event import (
    Drafted,
    SourcesRetrieved,
    StageTimed,
    TokenBatch,
    ToolCalled,
    ToolReturned,
    UsageRecorded,
    WarningRaised,
)
from fixtures.agents import BOATS, HERRING, Shop, a_shop, without_plan
from fixtures.house import text_of
from fixtures.index_before import IndexBefore


@pytest.fixture
async def shop() -> Shop:
    return await a_shop()


class Failing:
    """A tool that cannot."""

    effect = Effect.NONE

    def __init__(self, name: str, error: Exception) -> None:
        self.name = name
        self._error = error

    def arguments_json(self, given: ToolInput) -> str:
        return "{}"

    async def call(self, given: ToolInput) -> ToolOutput:
        raise self._error


class Away(IndexBefore):
    """An index that does not answer."""

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
        raise Unavailable("the index is away")


async def _written(
    steps: AgentSteps, task: AgentTask, *before: Step
) -> tuple[AgentState, list[Said]]:
    state, said = AgentState(), list[Said]()
    for step in (Step.RETRIEVE, *before, Step.WRITE):
        state = await steps.take(step, task, state, said.append)
    return state, said


async def _checked(shop: Shop, draft: str, model: ScriptedChatModel | None = None) -> list[Said]:
    steps = shop.steps(model or ScriptedChatModel(draft))
    state, _ = await _written(steps, without_plan(shop.task()))
    said: list[Said] = []
    state = await steps.take(Step.CHECK, shop.task(), state, said.append)
    assert state.progress.checked
    return said


async def test_retrieving_fills_the_state_and_tells_its_time(shop: Shop) -> None:
    said: list[Said] = []
    state = await shop.steps(ScriptedChatModel()).take(
        Step.RETRIEVE, shop.task(), AgentState(), said.append
    )
    assert state.progress == Progress(retrieved=True)
    assert {fused.passage.text.split()[0] for fused in state.passages} >= {"Nordlys"}
    assert said[-1] == StageTimed(stage="retrieve", seconds=0.0)


@pytest.mark.parametrize("sections", [0, 2])
async def test_the_sources_told_are_exactly_those_in_the_prompts(shop: Shop, sections: int) -> None:
    model = ScriptedChatModel("Herring.")
    state, said = await _written(shop.steps(model, sections=sections), without_plan(shop.task()))
    (told,) = [kind for kind in said if isinstance(kind, SourcesRetrieved)]
    prompts = "\n".join(m.content for request in model.requests for m in request.messages)
    assert told.sources
    assert [source.number for source in told.sources] == list(range(1, len(told.sources) + 1))
    assert [source.text for source in told.sources] == [f.passage.text for f in state.sent]
    assert all(source.text in prompts for source in told.sources)
    unsent = [f for f in state.passages if f not in state.sent]
    assert not any(fused.passage.text in prompts for fused in unsent)


async def test_when_nothing_can_be_searched_the_model_is_not_asked_to_write_without(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.retrying._FIRST_WAIT_SECONDS", 0.0)
    model, said = ScriptedChatModel("There are no documents."), list[Said]()
    away = replace(shop, stores=replace(shop.stores, index=Away(shop.stores.index)))
    with pytest.raises(KnowledgeUnavailable, match="cannot be searched right now"):
        await away.steps(model).take(Step.RETRIEVE, shop.task(), AgentState(), said.append)
    assert model.requests == []
    stages = [kind for kind in said if isinstance(kind, StageTimed)]
    assert {stage.stage for stage in stages if stage.degraded} == {
        "retrieve.semantic",
        "retrieve.web",
    }


async def test_a_source_is_cited_with_its_version_its_place_and_its_twins(shop: Shop) -> None:
    steps, task = shop.steps(ScriptedChatModel("Herring.")), without_plan(shop.task())
    state = await steps.take(Step.RETRIEVE, task, AgentState(), list[Said]().append)
    first, twin = state.passages[0], state.passages[1].passage.place
    passage = replace(first.passage, version=3, span=(7, 80))
    state = replace(state, passages=(replace(first, passage=passage, also_in=(twin,)),))
    said: list[Said] = []
    await steps.take(Step.WRITE, task, state, said.append)
    (told,) = [kind for kind in said if isinstance(kind, SourcesRetrieved)]
    (source,) = told.sources
    assert (source.version, source.span, source.also_in) == (3, (7, 80), (twin,))


async def test_what_a_tool_finds_leaves_the_order_of_the_rest_alone(shop: Shop) -> None:
    task = shop.task("Plan a herring campaign", agent="strategy")
    steps = shop.steps(ScriptedChatModel("Plan."))
    state = await steps.take(Step.RETRIEVE, task, AgentState(), list[Said]().append)
    backwards = replace(state, passages=state.passages[::-1])
    acted = await steps.take(Step.ACT, task, backwards, list[Said]().append)
    kept = [f.passage.chunk_id for f in backwards.passages]
    after = [f.passage.chunk_id for f in acted.passages if f.passage.chunk_id in kept]
    assert set(after) == set(kept)
    ours = [key for key in after if key != after[0]]
    assert ours == [key for key in kept if key in ours]


async def test_a_tool_looks_for_what_a_follow_up_leans_on(shop: Shop) -> None:
    asked = ChatMessage(role=Role.USER, content="What do rivals say about herring?")
    answered = ChatMessage(role=Role.ASSISTANT, content="They sell it.")
    task = replace(
        shop.task("And in their shop?", agent="strategy"),
        earlier=Earlier(history=(asked, answered)),
    )
    said: list[Said] = []
    steps = shop.steps(ScriptedChatModel("Plan."))
    state = await steps.take(Step.RETRIEVE, task, AgentState(), said.append)
    await steps.take(Step.ACT, task, state, said.append)
    (called,) = [kind for kind in said if isinstance(kind, ToolCalled)]
    assert "What do rivals say about herring? And in their shop?" in called.arguments_json


async def test_the_text_is_streamed_as_it_is_written_and_joined_in_the_draft(shop: Shop) -> None:
    model = ScriptedChatModel("Nordlys", " smokes", " herring.")
    state, said = await _written(shop.steps(model), without_plan(shop.task()))
    shown = [k.text for k in said if isinstance(k, TokenBatch)]
    assert shown[0] == "Nordlys"
    assert "".join(shown) == "Nordlys smokes herring."
    assert state.draft == text_of(said) == "Nordlys smokes herring."
    (usage,) = [k for k in said if isinstance(k, UsageRecorded)]
    assert state.progress.tokens_used == usage.prompt_tokens + usage.completion_tokens > 0
    stages = [k.stage for k in said if isinstance(k, StageTimed)]
    assert stages[-2:] == ["model.first_token", "model.answer"]


async def test_a_section_is_numbered_only_by_a_source_that_it_follows(shop: Shop) -> None:
    steps = shop.steps(ScriptedChatModel("Nordlys smokes herring in Bergen."), sections=2)
    state, said = await _written(steps, without_plan(shop.task()))
    (right,) = [n for n, f in enumerate(state.sent, start=1) if "Bergen" in f.passage.text]
    texts = ["Nordlys smokes herring in Bergen."] * len(state.sent)
    texts[right - 1] += f" [{right}]"
    assert state.draft == "".join(f"{text}\n\n" for text in texts)
    assert len([k for k in said if isinstance(k, UsageRecorded)]) == len(texts) == 2
    assert len([k for k in said if k == StageTimed(stage="model.first_token", seconds=0.0)]) == 1
    checked: list[Said] = []
    await steps.take(Step.CHECK, shop.task(), state, checked.append)
    assert checked == [Drafted(text=state.draft, cited_sources=(right,))]


@pytest.mark.parametrize(
    "draft",
    [
        "Astronauts praise chocolate pudding on Jupiter.",
        "Nordlys smokes 900 herring in Bergen.",
        "Write about smoked herring.",
    ],
)
async def test_a_draft_by_section_that_follows_nothing_cites_nothing(
    shop: Shop, draft: str
) -> None:
    steps = shop.steps(ScriptedChatModel(draft), sections=2)
    state, _ = await _written(steps, without_plan(shop.task()))
    said: list[Said] = []
    await steps.take(Step.CHECK, shop.task(), state, said.append)
    assert state.draft == f"{draft}\n\n{draft}\n\n"
    assert said[0] == Drafted(text=state.draft, cited_sources=())


async def test_by_section_the_brand_agents_model_reads_what_its_check_found(shop: Shop) -> None:
    model = ScriptedChatModel("It holds a word to avoid: cheap.")
    question = "Check this copy: cheap smoked herring."
    steps = shop.steps(model, sections=2)
    state, _ = await _written(steps, shop.task(question, agent="brand"), Step.ACT)
    first = model.requests[0].messages[-1].content
    assert "do not repeat these words: cheap" in first
    assert all(question in request.messages[0].content for request in model.requests)
    assert len(model.requests) == 1 + len(state.sent)
    assert state.draft.startswith("It holds a word to avoid: cheap.\n\n")


async def test_a_question_cut_for_a_small_model_is_told(shop: Shop) -> None:
    steps = shop.steps(ScriptedChatModel("Fish."), sections=2)
    _, said = await _written(steps, without_plan(shop.task("herring " * 200)))
    told = "the model was given only the beginning of the question"
    assert WarningRaised(reason="PROMPT_CUT", message=told) in said


async def test_a_refusal_ends_the_writing(shop: Shop) -> None:
    model = ScriptedChatModel("I cannot.", reason=FinishReason.REFUSED)
    state, said = await _written(shop.steps(model, sections=2), without_plan(shop.task()))
    assert state.progress.refused
    assert (state.draft, text_of(said)) == ("I cannot.", "I cannot.")
    assert len(model.requests) == 1


async def test_a_leak_stops_the_model_and_keeps_what_came_before(shop: Shop) -> None:
    task = without_plan(shop.task())
    secret = " ".join(f"rule{n}" for n in range(14))
    task = replace(task, agent=replace(task.agent, prompt=secret))
    model = ScriptedChatModel("Sure: ", *[f"{word} " for word in secret.split()], "more", "more")
    state, said = await _written(shop.steps(model), task)
    assert state.progress.contaminated
    assert (state.draft, text_of(said)) == ("Sure: ", "Sure: ")
    assert WarningRaised(reason="PROMPT_LEAK", message="") in said
    assert model.streaming == 0


async def test_a_leak_in_the_same_piece_keeps_what_came_before(shop: Shop) -> None:
    task = without_plan(shop.task())
    secret = " ".join(f"rule{n}" for n in range(14))
    task = replace(task, agent=replace(task.agent, prompt=secret))
    state, said = await _written(shop.steps(ScriptedChatModel(f"Sure: {secret} more")), task)
    assert state.progress.contaminated
    assert text_of(said) == "Sure: "


async def test_an_address_of_an_outsider_is_removed_and_one_of_the_question_stays(
    shop: Shop,
) -> None:
    answer = "See https://rival.example/shop or https://nordlys.example/a now."
    task = without_plan(shop.task("Write about herring for https://nordlys.example/a"))
    state, said = await _written(shop.steps(ScriptedChatModel(answer)), task)
    assert any("rival.example" in fused.passage.text for fused in state.sent)
    assert state.draft == "See  or https://nordlys.example/a now."
    expected = WarningRaised(reason="REMOVED_MARKUP", message="https://rival.example/shop")
    assert expected in said


async def test_a_tools_findings_reach_the_prompt(shop: Shop) -> None:
    model = ScriptedChatModel("Herring.")
    state, said = await _written(shop.steps(model), shop.task(), Step.ACT)
    (called,) = [k for k in said if isinstance(k, ToolCalled)]
    (returned,) = [k for k in said if isinstance(k, ToolReturned)]
    assert called.call_id == returned.call_id
    assert (called.tool, returned.failure) == ("keyword_report", "")
    assert state.outcomes[0].brief in model.requests[0].messages[-1].content
    assert state.progress.tools_called == 1


@pytest.mark.parametrize(
    ("agent", "tool", "required"),
    [("seo", "keyword_report", True), ("email", "campaign_precedents", False)],
)
async def test_only_a_required_tool_that_fails_is_fatal(
    shop: Shop, agent: str, tool: str, required: bool
) -> None:
    failing = Failing(tool, Unavailable("the index is away"))
    steps = shop.steps(ScriptedChatModel("x"), tools={tool: failing})
    said: list[Said] = []
    state = await steps.take(Step.ACT, shop.task(agent=agent), AgentState(), said.append)
    assert state.progress.required_tool_failed is required
    assert state.outcomes[0].failure == "the index is away"
    assert isinstance(said[1], ToolReturned)
    assert said[1].failure == "the index is away"
    assert said[2] == StageTimed(stage=f"tool.{tool}", seconds=0.0, degraded=True)


async def test_what_a_tool_finds_again_is_not_sent_twice(shop: Shop) -> None:
    model = ScriptedChatModel("Herring.")
    state, _ = await _written(shop.steps(model), shop.task(agent="strategy"), Step.ACT, Step.ACT)
    chunks = [fused.passage.chunk_id for fused in state.passages]
    assert len(set(chunks)) == len(chunks) == 3


async def test_the_check_tells_the_draft_and_its_sources(shop: Shop) -> None:
    said = await _checked(shop, HERRING)
    assert isinstance(said[0], Drafted)
    assert said[0].text == HERRING
    assert len(said[0].cited_sources) == 1
    assert len(said) == 1


async def test_the_check_takes_the_answers_own_citations_where_the_sources_say_so(
    shop: Shop,
) -> None:
    steps = shop.steps(ScriptedChatModel(""))
    state, _ = await _written(steps, without_plan(shop.task()))
    texts = [fused.passage.text for fused in state.sent]
    herring, boats = texts.index(HERRING) + 1, texts.index(BOATS) + 1
    draft = f"{HERRING} [{herring}] {BOATS} [{herring}] [99]"
    said: list[Said] = []
    await steps.take(Step.CHECK, shop.task(), replace(state, draft=draft), said.append)
    assert said[0] == Drafted(text=draft, cited_sources=(herring,))
    wrong = f"[{herring}] {BOATS}"
    assert WarningRaised(reason="CITATION_UNSUPPORTED", message=wrong) in said
    right = f"{HERRING} [{herring}] {BOATS} [{boats}]"
    said.clear()
    await steps.take(Step.CHECK, shop.task(), replace(state, draft=right), said.append)
    assert said == [Drafted(text=right, cited_sources=tuple(sorted((herring, boats))))]


async def test_the_check_warns_of_claims_and_of_words_to_avoid(shop: Shop) -> None:
    claim = "Astronauts praise Cheap chocolate pudding on Jupiter."
    said = await _checked(shop, claim)
    assert WarningRaised(reason="UNSUPPORTED_CLAIM", message=claim) in said
    assert WarningRaised(reason="TERM_TO_AVOID", message="cheap") in said


async def test_a_prompt_that_does_not_fit_is_said_and_not_cut(shop: Shop) -> None:
    steps = shop.steps(ScriptedChatModel("x", context_tokens=100))
    with pytest.raises(Exception, match="tokens") as refusal:
        await _written(steps, without_plan(shop.task()))
    assert getattr(refusal.value, "reason", "") == "PROMPT_TOO_LONG"


async def test_cancelling_a_step_closes_the_models_stream(shop: Shop) -> None:
    model = ScriptedChatModel(*["word "] * 100, delay=0.01)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        writing = group.create_task(_written(shop.steps(model), without_plan(shop.task())))
        while not model.streaming:  # noqa: ASYNC110 - the model tells nobody that it has begun
            await asyncio.sleep(0.005)
        writing.cancel()
    assert model.streaming == 0
