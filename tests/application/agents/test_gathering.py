"""Text that comes in drops."""

import asyncio

import pytest

from application.agents.gathering import Gathering
from domain.runs.batching import SHORTEST_SECONDS


async def test_the_first_drop_is_taken_at_once() -> None:
    taken: list[str] = []
    Gathering(taken.append).add("a")
    assert taken == ["a"]


async def test_drops_that_follow_are_taken_together_and_soon() -> None:
    taken: list[str] = []
    gathering = Gathering(taken.append)
    for drop in "abc":
        gathering.add(drop)
    await asyncio.sleep(2 * SHORTEST_SECONDS)
    assert taken == ["a", "bc"]


async def test_after_a_pause_a_drop_is_taken_at_once_again() -> None:
    taken: list[str] = []
    gathering = Gathering(taken.append)
    gathering.add("a")
    await asyncio.sleep(2 * SHORTEST_SECONDS)
    gathering.add("b")
    assert taken == ["a", "b"]


async def test_closing_hands_on_what_waits() -> None:
    taken: list[str] = []
    gathering = Gathering(taken.append)
    gathering.add("a")
    gathering.add("b")
    gathering.close()
    assert taken == ["a", "b"]


async def test_what_breaks_behind_a_timer_is_told_and_nothing_is_taken_after_it() -> None:
    taken: list[str] = []

    def take(text: str) -> None:
        if text == "b":
            raise ValueError(text)
        taken.append(text)

    gathering = Gathering(take)
    gathering.add("a")
    gathering.add("b")
    await asyncio.sleep(2 * SHORTEST_SECONDS)
    with pytest.raises(ValueError, match="b"):
        gathering.add("c")
    assert taken == ["a"]
