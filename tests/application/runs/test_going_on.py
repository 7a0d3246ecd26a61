"""A run whose process dies goes on in another from its last finished step; nothing is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from adapters.langgraph.runner import LangGraphRunner
from adapters.memory.sequential_runner import SequentialRunner
from application.ports.tool import Tool, ToolInput, ToolOutput
from domain.agents.effect import Effect
from domain.agents.routing import Step
from domain.paging import PageRequest
from domain.runs.codec import answer_in
from domain.runs.event import (
    DraftDiscarded,
    Drafted,
    EventKind,
    RunCompleted,
    RunPaused,
    RunResumed,
    RunStarted,
    ToolCalled,
    ToolReturned,
    WarningRaised,
)
from domain.runs.journal import MarkKind
from domain.runs.pause import Answer, Decision
from domain.runs.run import Run, RunState, TerminationReason
from fixtures.agents import a_shop
from fixtures.making import conversation
from fixtures.mortal import (
    ANSWER,
    ActingTool,
    Ground,
    Hang,
    Ledger,
    MakeRunner,
    Process,
    When,
    a_ground,
    shown,
)
from fixtures.stores import Stores, memory_stores, postgres_stores

STEPS = [Step.RETRIEVE, Step.ACT, Step.WRITE, Step.CHECK]
BOTH: tuple[When, When] = ("before", "after")
COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)
RUNNERS: dict[str, MakeRunner] = {"langgraph": LangGraphRunner, "sequential": SequentialRunner}


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("pool"))


@pytest_asyncio.fixture
async def ground(stores: Stores) -> AsyncIterator[Ground]:
    made = a_ground(await a_shop(stores=stores))
    yield made
    await made.bury()


async def _the_journal_is_empty(ground: Ground, asked: Run) -> bool:
    return await ground.house.stores.journal.read(asked.space_id, asked.run_id) == ()


def _is_whole(kinds: list[EventKind]) -> None:
    """One answer, and it is what a reader has seen; one end, and it comes last."""
    drafted = [kind.text for kind in kinds if isinstance(kind, Drafted)]
    assert drafted == [shown(kinds)] == ["".join(ANSWER)]
    assert kinds[-1] == COMPLETE
    assert sum(isinstance(kind, RunCompleted) for kind in kinds) == 1


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_run_goes_on_from_its_last_finished_step(
    ground: Ground, step: Step, when: When, runner: str
) -> None:
    ground = replace(ground, make=RUNNERS[runner])
    asked, first, second = await ground.asked(), ground.process(dies=(when, step)), ground.process()
    await ground.take_up(asked, first)
    assert first.hang.is_set()
    await ground.take_up(asked, second)
    assert first.steps.taken == STEPS[: STEPS.index(step) + 1]
    assert second.steps.taken == STEPS[STEPS.index(step) :]
    kinds = await ground.kinds(asked)
    _is_whole(kinds)
    starts = [n for n, kind in enumerate(kinds) if isinstance(kind, RunStarted)]
    assert [kinds[n] for n in starts] == [
        RunStarted(chat_model="scripted", attempt=attempt) for attempt in (1, 2)
    ]
    discarded = [n for n, kind in enumerate(kinds) if isinstance(kind, DraftDiscarded)]
    assert discarded == ([starts[1] + 1] if (when, step) == ("after", Step.WRITE) else [])
    assert await _the_journal_is_empty(ground, asked)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("append", range(1, 9))
async def test_a_run_survives_a_death_at_any_of_its_commits(
    ground: Ground, append: int, when: When
) -> None:
    ground = replace(ground, delay=0.02)
    asked, first = await ground.asked(), ground.process(dies_at=append, when=when)
    await ground.take_up(asked, first)
    if (await ground.house.stores.runs.get(asked.space_id, asked.run_id)).end_time is None:
        await ground.take_up(asked, ground.process())
    _is_whole(await ground.kinds(asked))
    assert await _the_journal_is_empty(ground, asked)


async def test_a_run_that_never_gets_far_still_comes_to_its_end(ground: Ground) -> None:
    asked = await ground.asked()
    for step in STEPS:
        for when in BOTH:
            await ground.take_up(asked, ground.process(dies=(when, step)))
    await ground.take_up(asked, ground.process())
    kinds = await ground.kinds(asked)
    _is_whole(kinds)
    attempts = [kind.attempt for kind in kinds if isinstance(kind, RunStarted)]
    assert attempts == list(range(1, 10))


async def test_a_process_that_lost_its_run_writes_nothing_more(ground: Ground) -> None:
    ground = replace(ground, delay=0.05)
    asked, slow = await ground.asked(), ground.process()
    claimed = await ground.house.stores.runs.claim(asked.space_id, asked.run_id)
    late = asyncio.ensure_future(slow.execute(claimed))
    await asyncio.sleep(0.12)
    await ground.take_up(asked, replace(ground, delay=0.0).process())
    await late
    _is_whole(await ground.kinds(asked))
    assert await _the_journal_is_empty(ground, asked)


async def test_an_answer_in_a_conversation_is_added_once(ground: Ground) -> None:
    thread, stores = conversation(ground.shop.home), ground.house.stores
    await stores.conversations.add(thread)
    asked = await ground.asked(conversation=thread.conversation_id)
    for when in BOTH:
        await ground.take_up(asked, ground.process(dies=(when, Step.CHECK)))
    await ground.take_up(asked, ground.process())
    page = PageRequest(size=10)
    messages = await stores.conversations.messages(asked.space_id, thread.conversation_id, page)
    assert [m.content for m in messages.items] == ["Write about smoked herring", "".join(ANSWER)]


async def test_a_shutdown_hands_the_run_back_and_it_goes_on_without_a_spent_attempt(
    ground: Ground,
) -> None:
    ground = replace(ground, delay=0.03)
    asked, stores = await ground.asked(), ground.house.stores
    claimed = await stores.runs.claim(asked.space_id, asked.run_id)
    task = asyncio.ensure_future(ground.process().execute(claimed))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    waiting = await stores.runs.get(asked.space_id, asked.run_id)
    assert (waiting.state, waiting.attempts) == (RunState.QUEUED, 0)
    await ground.take_up(asked, ground.process())
    _is_whole(await ground.kinds(asked))


def _acting(
    ground: Ground,
    ledger: Ledger,
    effect: Effect,
    dies: When | None = None,
    *,
    in_step: tuple[When, Step] | None = None,
    dies_at: int = 0,
    when: When = "before",
) -> Process:
    hang = Hang()
    tool = ActingTool(ledger, effect, hang, dies=dies)
    return ground.process(
        tools={tool.name: tool}, hang=hang, dies=in_step, dies_at=dies_at, when=when
    )


async def _told(ground: Ground, asked: Run) -> list[str]:
    """Failures told of the acting tool's call; an empty one for a success."""
    kinds = await ground.kinds(asked)
    calls = {kind.call_id for kind in kinds if isinstance(kind, ToolCalled | ToolReturned)}
    assert calls == {"0.keyword_report"}
    return [kind.failure for kind in kinds if isinstance(kind, ToolReturned)]


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_an_act_with_a_key_is_done_once_although_its_record_was_lost(
    ground: Ground, dies: When
) -> None:
    asked, ledger = await ground.asked(), Ledger(by_key=True)
    for death in (dies, None):
        await ground.take_up(asked, _acting(ground, ledger, Effect.KEYED, death))
    assert ledger.acts == [f"{asked.run_id}/0.keyword_report"]
    assert set(ledger.calls) == set(ledger.acts)
    assert len(ledger.calls) == (2 if dies == "after" else 1)
    assert await _told(ground, asked) == [""]
    _is_whole(await ground.kinds(asked))


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_an_act_without_a_key_is_not_done_again_when_nobody_knows_whether_it_was(
    ground: Ground, dies: When
) -> None:
    asked, ledger = await ground.asked(), Ledger(by_key=False)
    for death in (dies, None):
        await ground.take_up(asked, _acting(ground, ledger, Effect.ONCE, death))
    assert len(ledger.acts) == (1 if dies == "after" else 0)
    (failure,) = await _told(ground, asked)
    assert "nobody knows whether it was done" in failure
    ended = (await ground.kinds(asked))[-1]
    assert ended == RunCompleted(reason=TerminationReason.TOOL_FAILED)


@pytest.mark.parametrize("effect", [Effect.KEYED, Effect.ONCE])
async def test_an_act_that_was_recorded_is_not_done_again(ground: Ground, effect: Effect) -> None:
    asked, ledger = await ground.asked(), Ledger(by_key=False)
    await ground.take_up(asked, _acting(ground, ledger, effect, in_step=("after", Step.ACT)))
    await ground.take_up(asked, _acting(ground, ledger, effect))
    assert len(ledger.calls) == 1
    assert await _told(ground, asked) == [""]
    _is_whole(await ground.kinds(asked))


class Flooding(ActingTool):
    """Acts, and returns more than a run can remember."""

    async def call(self, given: ToolInput) -> ToolOutput:
        await super().call(given)
        return ToolOutput(result_json=json.dumps({"sent": "x" * 3_000_000}), brief="y " * 900_000)


@pytest.mark.parametrize("effect", Effect)
async def test_a_result_that_is_too_large_is_cut_and_the_run_goes_on(
    ground: Ground, effect: Effect
) -> None:
    asked, ledger, hang = await ground.asked(), Ledger(by_key=False), Hang()
    tools: dict[str, Tool] = {"keyword_report": Flooding(ledger, effect, hang)}
    for dies in (("after", Step.ACT), None):
        await ground.take_up(asked, ground.process(dies=dies, tools=tools))
    kinds = await ground.kinds(asked)
    assert kinds[-1] == COMPLETE
    assert len(ledger.acts) == 1
    (returned,) = [kind for kind in kinds if isinstance(kind, ToolReturned)]
    assert json.loads(returned.result_json)["truncated"] is True
    (told,) = [k for k in kinds if isinstance(k, WarningRaised) and k.reason == "TOOL_RESULT_CUT"]
    assert told.message.startswith("keyword_report: it returned 4,800,0")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("append", range(1, 8))
async def test_an_act_is_never_done_twice_whichever_commit_is_the_last(
    ground: Ground, append: int, when: When
) -> None:
    asked, ledger = await ground.asked(), Ledger(by_key=False)
    for dies_at in (append, 0):
        process = _acting(ground, ledger, Effect.ONCE, dies_at=dies_at, when=when)
        await ground.take_up(asked, process)
        run = await ground.house.stores.runs.get(asked.space_id, asked.run_id)
        if run.state is RunState.ENDED:
            break
    assert run.state is RunState.ENDED
    assert len(ledger.acts) <= 1
    assert len(await _told(ground, asked)) == 1


async def _answer(ground: Ground, asked: Run, decision: Decision) -> None:
    stores = ground.house.stores
    paused = await stores.runs.get(asked.space_id, asked.run_id)
    assert paused.state is RunState.PAUSED
    assert paused.pause is not None
    answer = Answer(
        pause_id=paused.pause.pause_id,
        decision=decision,
        note="Fine.",
        user_id=ground.shop.home.owner,
    )
    assert await stores.journal.answer(asked.space_id, asked.run_id, answer) is not None


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (Decision.APPROVE, TerminationReason.COMPLETE),
        (Decision.REJECT, TerminationReason.REJECTED),
    ],
)
async def test_a_run_pauses_with_its_draft_and_another_process_goes_on_as_decided(
    ground: Ground, decision: Decision, reason: TerminationReason, runner: str
) -> None:
    ground = replace(ground, make=RUNNERS[runner])
    asked = await ground.asked(require_approval=True)
    await ground.take_up(asked, ground.process())
    kinds = await ground.kinds(asked)
    assert isinstance(kinds[-1], RunPaused)
    assert [kind.text for kind in kinds if isinstance(kind, Drafted)] == ["".join(ANSWER)]
    await _answer(ground, asked, decision)
    second = ground.process()
    await ground.take_up(asked, second)
    assert second.steps.taken == []
    kinds = await ground.kinds(asked)
    told = [type(kind) for kind in kinds[-4:]]
    assert told == [RunPaused, RunResumed, RunStarted, RunCompleted]
    assert kinds[-1] == RunCompleted(reason=reason)
    assert await _the_journal_is_empty(ground, asked)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("append", range(1, 4))
async def test_an_answer_is_not_lost_with_the_process_that_took_it(
    ground: Ground, append: int, when: When
) -> None:
    asked = await ground.asked(require_approval=True)
    await ground.take_up(asked, ground.process())
    await _answer(ground, asked, Decision.REJECT)
    await ground.take_up(asked, ground.process(dies_at=append, when=when))
    stores = ground.house.stores
    if (await stores.runs.get(asked.space_id, asked.run_id)).state is not RunState.ENDED:
        kept = await stores.journal.read(asked.space_id, asked.run_id)
        assert [answer_in(m).note for m in kept if m.kind is MarkKind.ANSWER] == ["Fine."]
        await ground.take_up(asked, ground.process())
    assert (await ground.kinds(asked))[-1] == RunCompleted(reason=TerminationReason.REJECTED)


@pytest.mark.parametrize("step", STEPS)
async def test_a_run_that_died_before_its_pause_pauses_once(ground: Ground, step: Step) -> None:
    asked = await ground.asked(require_approval=True)
    await ground.take_up(asked, ground.process(dies=("after", step)))
    await ground.take_up(asked, ground.process())
    kinds = await ground.kinds(asked)
    assert sum(isinstance(kind, RunPaused) for kind in kinds) == 1
    assert isinstance(kinds[-1], RunPaused)
