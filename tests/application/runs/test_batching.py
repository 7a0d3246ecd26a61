"""Runs at work, and the window that they share."""

import pytest

from application.runs.batching import Batching
from domain.runs.batching import SHORTEST_SECONDS


def test_the_window_grows_while_runs_are_at_work_and_shrinks_when_they_leave() -> None:
    batching = Batching()
    assert batching.seconds() == SHORTEST_SECONDS
    with batching.at_work(), batching.at_work(), batching.at_work(), batching.at_work():
        with batching.at_work():
            assert batching.seconds() > SHORTEST_SECONDS
        assert batching.seconds() == SHORTEST_SECONDS
    assert batching.runs == 0


def test_a_run_that_breaks_is_at_work_no_more() -> None:
    batching = Batching()
    with pytest.raises(RuntimeError), batching.at_work():
        raise RuntimeError
    assert batching.runs == 0
