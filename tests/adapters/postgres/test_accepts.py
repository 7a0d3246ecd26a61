"""How starts of runs are gathered, with a table that commits when the test says so."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from adapters.postgres.accepts import GatheredAccepts, Terms
from adapters.postgres.errors import DatabaseUnavailable
from domain.errors import InvalidInput
from domain.identifiers import SpaceId

HERE, THERE = SpaceId(UUID(int=1)), SpaceId(UUID(int=2))


class Table:
    """While the gate of a space is shut, its commits wait; `groups` are those that came."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.shut: dict[SpaceId, asyncio.Event] = {}
        self.away = False

    async def accept(self, space: SpaceId, group: Sequence[Terms]) -> Sequence[str]:
        names = [str(terms[0]) for terms in group]
        self.groups.append(names)
        if space in self.shut:
            await self.shut[space].wait()
        if self.away:
            raise DatabaseUnavailable
        if "poison" in names:
            raise InvalidInput("poison")
        return [name.upper() for name in names]


def terms(name: str) -> Terms:
    return (name, *[None] * 5, f"request-{name}")


async def _come(
    gathered: GatheredAccepts[str], *names: str, space: SpaceId = HERE
) -> list["asyncio.Task[str]"]:
    tasks = [asyncio.create_task(gathered(space, terms(name))) for name in names]
    await asyncio.sleep(0.01)
    return tasks


async def test_those_who_come_while_one_is_under_way_are_accepted_together() -> None:
    table = Table()
    table.shut[HERE] = asyncio.Event()
    gathered = GatheredAccepts(table.accept)
    tasks = [*await _come(gathered, "a"), *await _come(gathered, "c", "b")]
    table.shut[HERE].set()
    assert await asyncio.gather(*tasks) == ["A", "C", "B"]
    assert table.groups == [["a"], ["b", "c"]]


async def test_spaces_do_not_wait_for_each_other() -> None:
    table = Table()
    table.shut[HERE] = asyncio.Event()
    gathered = GatheredAccepts(table.accept)
    (held,) = await _come(gathered, "a")
    async with asyncio.timeout(5):
        assert await gathered(THERE, terms("b")) == "B"
    table.shut[HERE].set()
    assert await held == "A"


async def test_what_one_has_done_wrong_is_told_to_nobody_else() -> None:
    table = Table()
    tasks = await _come(GatheredAccepts(table.accept), "a", "poison", "b")
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[::2] == ["A", "B"]
    assert isinstance(outcomes[1], InvalidInput)


async def test_a_database_that_is_away_is_told_to_all_and_the_next_one_asks_again() -> None:
    table = Table()
    table.away = True
    gathered = GatheredAccepts(table.accept)
    outcomes = await asyncio.gather(*await _come(gathered, "a", "b"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 2
    table.away = False
    assert await gathered(HERE, terms("c")) == "C"


async def test_one_that_leaves_takes_nobody_along() -> None:
    table = Table()
    table.shut[HERE] = asyncio.Event()
    gathered = GatheredAccepts(table.accept)
    leaving, staying = await _come(gathered, "a", "b")
    leaving.cancel()
    table.shut[HERE].set()
    assert await staying == "B"
    with pytest.raises(asyncio.CancelledError):
        await leaving
