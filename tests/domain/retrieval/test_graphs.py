"""The rule by which a space's vectors get a graph, or lose it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import SpaceId
from domain.retrieval.graphs import GraphPolicy, GraphState, GraphStep, VectorSet, next_step
from fixtures.making import new_id

POLICY = GraphPolicy(build_from=50_000, drop_below=35_000)


def _set(count: int, graph: GraphState) -> VectorSet:
    return VectorSet(space=SpaceId(new_id()), model="m", dimensions=3072, count=count, graph=graph)


@pytest.mark.parametrize(
    ("count", "graph", "step"),
    [
        (0, GraphState.NONE, GraphStep.LEAVE),
        (49_999, GraphState.NONE, GraphStep.LEAVE),
        (50_000, GraphState.NONE, GraphStep.BUILD),
        (500_000, GraphState.READY, GraphStep.LEAVE),
        (49_999, GraphState.READY, GraphStep.LEAVE),
        (35_000, GraphState.READY, GraphStep.LEAVE),
        (34_999, GraphState.READY, GraphStep.DROP),
        (0, GraphState.READY, GraphStep.DROP),
        (50_000, GraphState.BROKEN, GraphStep.BUILD),
        (49_999, GraphState.BROKEN, GraphStep.DROP),
    ],
)
def test_a_graph_comes_and_goes_by_size(count: int, graph: GraphState, step: GraphStep) -> None:
    assert next_step(_set(count, graph), POLICY) is step


@given(st.lists(st.integers(35_000, 60_000), min_size=1))
def test_a_size_that_wavers_builds_a_graph_once_at_most(sizes: list[int]) -> None:
    graph, built = GraphState.NONE, 0
    for size in sizes:
        step = next_step(_set(size, graph), POLICY)
        assert step is not GraphStep.DROP
        if step is GraphStep.BUILD:
            graph, built = GraphState.READY, built + 1
    assert built <= 1


@pytest.mark.parametrize(("build_from", "drop_below"), [(10, 11), (-1, -2)])
def test_a_policy_that_would_build_and_drop_at_once_is_none(
    build_from: int, drop_below: int
) -> None:
    with pytest.raises(ValueError, match="dropped below"):
        GraphPolicy(build_from=build_from, drop_below=drop_below)
