"""Which step comes next: the decisions, spelled out."""

from dataclasses import replace
from itertools import product

import pytest

from domain.agents.definition import AgentDefinition, RunLimits
from domain.agents.routing import Progress, Step, next_step
from domain.documents.document import Collection
from domain.retrieval.policy import RetrievalConfig
from domain.runs.pause import Decision
from domain.runs.run import TerminationReason

AGENT = AgentDefinition(
    name="seo",
    display_name="SEO",
    description="",
    prompt="Write.",
    brief="Write.",
    temperature=0.2,
    max_answer_tokens=10,
    plan=("first", "second"),
    required=frozenset({"first"}),
    retrieval=RetrievalConfig(collections=frozenset({Collection.GENERAL})),
    limits=RunLimits(max_iterations=3, budget_tokens=100),
)
DRAFTED = Progress(retrieved=True, tools_called=2, drafted=True, iterations=3, tokens_used=80)
APPROVED = replace(DRAFTED, checked=True, approval_needed=True, decision=Decision.APPROVE)


@pytest.mark.parametrize(
    ("progress", "decided"),
    [
        (Progress(), Step.RETRIEVE),
        (Progress(retrieved=True), Step.ACT),
        (Progress(retrieved=True, tools_called=1, iterations=1), Step.ACT),
        (Progress(retrieved=True, tools_called=2, iterations=2), Step.WRITE),
        (DRAFTED, Step.CHECK),
        (replace(DRAFTED, checked=True), TerminationReason.COMPLETE),
        (replace(DRAFTED, refused=True), Step.CHECK),
        (replace(DRAFTED, refused=True, checked=True), TerminationReason.REFUSED),
        (replace(DRAFTED, contaminated=True), TerminationReason.CONTAMINATED),
        (Progress(retrieved=True, required_tool_failed=True), TerminationReason.TOOL_FAILED),
        (Progress(retrieved=True, tokens_used=100), TerminationReason.BUDGET),
        (Progress(retrieved=True, iterations=3), TerminationReason.MAX_ITERATIONS),
        (replace(DRAFTED, approval_needed=True), Step.CHECK),
        (replace(DRAFTED, approval_needed=True, checked=True), Step.APPROVE),
        (replace(APPROVED, decision=Decision.APPROVE), TerminationReason.COMPLETE),
        (replace(APPROVED, decision=Decision.REJECT), TerminationReason.REJECTED),
        (replace(APPROVED, refused=True, decision=None), TerminationReason.REFUSED),
        (replace(DRAFTED, tokens_used=5000), Step.CHECK),
        (replace(DRAFTED, tokens_used=5000, checked=True), TerminationReason.COMPLETE),
    ],
)
def test_what_comes_next(progress: Progress, decided: Step | TerminationReason) -> None:
    assert next_step(progress, AGENT) == decided


def _all_progress() -> list[Progress]:
    flags = product([False, True], repeat=6)
    people = list(product([False, True], [None, *Decision]))
    return [
        Progress(
            retrieved=retrieved,
            tools_called=called,
            required_tool_failed=failed,
            drafted=drafted,
            checked=checked,
            refused=refused,
            contaminated=contaminated,
            iterations=iterations,
            tokens_used=tokens,
            approval_needed=needed,
            decision=decision,
        )
        for retrieved, failed, drafted, checked, refused, contaminated in flags
        for called, iterations, tokens in product([0, 1, 2], [0, 2, 3, 9], [0, 99, 100])
        for needed, decision in people
    ]


def test_contamination_outranks_everything() -> None:
    contaminated = [p for p in _all_progress() if p.contaminated]
    assert {next_step(p, AGENT) for p in contaminated} == {TerminationReason.CONTAMINATED}


def test_whatever_was_drafted_is_checked_before_the_end() -> None:
    drafted = [p for p in _all_progress() if p.drafted and not p.checked and not p.contaminated]
    assert {next_step(p, AGENT) for p in drafted} == {Step.CHECK}


def test_every_reason_that_routing_decides_is_reached() -> None:
    decided = {next_step(p, AGENT) for p in _all_progress()}
    assert decided == {
        *Step,
        TerminationReason.COMPLETE,
        TerminationReason.REFUSED,
        TerminationReason.REJECTED,
        TerminationReason.CONTAMINATED,
        TerminationReason.TOOL_FAILED,
        TerminationReason.BUDGET,
        TerminationReason.MAX_ITERATIONS,
    }


@pytest.mark.parametrize("plan", [(), ("first",), ("first", "second", "third", "fourth")])
def test_every_agent_comes_to_an_end(plan: tuple[str, ...]) -> None:
    agent = replace(AGENT, plan=plan, required=frozenset())
    progress, taken = Progress(), []
    while isinstance(step := next_step(progress, agent), Step):
        taken.append(step)
        progress = _after(step, progress)
        assert len(taken) < 20
    drafted = Step.WRITE in taken
    assert step is (TerminationReason.COMPLETE if drafted else TerminationReason.MAX_ITERATIONS)
    assert taken[-1] is (Step.CHECK if drafted else Step.ACT)


def _after(step: Step, progress: Progress) -> Progress:
    one_more = progress.iterations + 1
    return {
        Step.RETRIEVE: replace(progress, retrieved=True),
        Step.ACT: replace(progress, tools_called=progress.tools_called + 1, iterations=one_more),
        Step.WRITE: replace(progress, drafted=True, iterations=one_more),
        Step.CHECK: replace(progress, checked=True),
        Step.APPROVE: replace(progress, decision=Decision.APPROVE),
    }[step]
