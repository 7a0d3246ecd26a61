"""How appends are gathered, on a table that commits when the test says so."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.postgres.appends import Append, Key, Placed
from adapters.postgres.errors import DatabaseUnavailable
from adapters.postgres.group_commit import GroupCommit
from domain.errors import InvalidInput, Unavailable
from domain.identifiers import RunId, SpaceId
from domain.runs.run import FenceLost

NOW = datetime(2026, 5, 4, tzinfo=UTC)
POISON = "poison"


def append(run: int, *payloads: str, fence: int = 1) -> Append:
    texts = payloads or ("a",)
    return Append(
        space=SpaceId(UUID(int=run % 3)),
        run=RunId(UUID(int=run)),
        fence=fence,
        kinds=("token_batch",) * len(texts),
        payloads=texts,
        marks=(),
        reason=None,
        pause=None,
        answer=None,
        message=UUID(int=0),
    )


class Table:
    """Logs by run. While the gate is shut, commits wait; `groups` are those that came."""

    def __init__(self) -> None:
        self.logs: defaultdict[Key, list[str]] = defaultdict(list)
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.locked: set[int] = set()
        self.failure: Exception | None = None

    async def commit(self, group: Sequence[Append]) -> Mapping[Key, Placed | None]:
        runs = [one.run.int for one in group]
        assert len(set(runs)) == len(runs)
        self.groups.append(runs)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if any(POISON in one.payloads for one in group):
            raise InvalidInput("poison")
        return {one.key: self._keep(one) for one in group if not self._left_out(one, group)}

    def _left_out(self, one: Append, group: Sequence[Append]) -> bool:
        return one.run.int in self.locked and len(group) > 1

    def _keep(self, one: Append) -> Placed | None:
        if one.fence != 1:
            return None
        log = self.logs[one.key]
        log.extend(one.payloads)
        return Placed(first_sequence=len(log) - len(one.payloads) + 1, create_time=NOW)


async def _started(commits: GroupCommit, *appends: Append) -> "list[asyncio.Task[Placed]]":
    """The appends on their way, one turn of the loop later each."""
    tasks = []
    for one in appends:
        tasks.append(asyncio.ensure_future(commits.append(one)))
        for _ in range(3):
            await asyncio.sleep(0)
    return tasks


async def test_an_append_that_is_alone_is_committed_at_once() -> None:
    table = Table()
    placed = await GroupCommit(table.commit).append(append(1, "a", "b"))
    assert placed == Placed(first_sequence=1, create_time=NOW)
    assert table.groups == [[1]]


async def test_what_comes_during_a_commit_goes_in_the_next_one_together() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=1)
    table.gate.clear()
    tasks = await _started(commits, *(append(run) for run in range(1, 8)))
    assert table.groups == [[1]]
    table.gate.set()
    await asyncio.gather(*tasks)
    assert table.groups == [[1], [2, 3, 4, 5, 6, 7]]


async def test_what_is_asked_for_in_one_turn_of_the_loop_goes_together() -> None:
    table = Table()
    commits = GroupCommit(table.commit)
    await asyncio.gather(*(commits.append(append(run)) for run in range(1, 6)))
    assert table.groups == [[1, 2, 3, 4, 5]]


async def test_as_many_groups_are_under_way_as_there_are_lanes() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=2)
    table.gate.clear()
    tasks = await _started(commits, *(append(run) for run in range(1, 6)))
    assert table.groups == [[1], [2]]
    table.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(table.groups[2]) == [3, 4, 5]


async def test_a_run_is_in_one_group_at_a_time_and_keeps_its_order() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=2)
    table.gate.clear()
    tasks = await _started(commits, *(append(1, str(n)) for n in range(4)), append(2))
    assert table.groups == [[1], [2]]
    table.gate.set()
    placed = await asyncio.gather(*tasks)
    assert [one.first_sequence for one in placed] == [1, 2, 3, 4, 1]
    assert table.logs[append(1).key] == ["0", "1", "2", "3"]


async def test_a_run_with_much_to_say_does_not_keep_others_waiting() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=1)
    table.gate.clear()
    noisy = await _started(commits, *(append(1, str(n)) for n in range(50)))
    quiet = await _started(commits, append(2))
    table.gate.set()
    await quiet[0]
    assert sum(task.done() for task in noisy) <= 2
    await asyncio.gather(*noisy)


async def test_groups_are_bounded_in_appends_and_in_size() -> None:
    table = Table()
    commits = GroupCommit(table.commit)
    await asyncio.gather(*(commits.append(append(run)) for run in range(1, 700)))
    assert max(map(len, table.groups)) == 256
    table.groups.clear()
    large = "x" * 3_000_000
    await asyncio.gather(*(commits.append(append(run, large)) for run in range(1, 4)))
    assert sorted(map(len, table.groups)) == [1, 1, 1]


async def test_a_lost_fence_is_one_runs_own_affair() -> None:
    commits = GroupCommit(Table().commit)
    appends = [append(1), append(2, fence=9), append(3)]
    outcomes = await asyncio.gather(*map(commits.append, appends), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Placed, FenceLost, Placed]


async def test_what_cannot_be_kept_fails_alone() -> None:
    table = Table()
    commits = GroupCommit(table.commit)
    appends = [append(1), append(2, POISON), append(3), append(4)]
    outcomes = await asyncio.gather(*map(commits.append, appends), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Placed, InvalidInput, Placed, Placed]
    assert table.groups[0] == [1, 2, 3, 4]
    assert sorted(table.groups[1:]) == [[1], [2], [3], [4]]


async def test_a_run_that_was_left_out_comes_alone_and_holds_nobody_up() -> None:
    table = Table()
    table.locked = {2}
    commits = GroupCommit(table.commit)
    await asyncio.gather(*(commits.append(append(run)) for run in (1, 2, 3)))
    assert table.groups == [[1, 2, 3], [2]]


async def test_when_the_database_is_away_everybody_is_in_doubt_and_later_ones_are_not() -> None:
    table = Table()
    commits = GroupCommit(table.commit)
    table.failure = DatabaseUnavailable()
    appends = [append(1), append(2)]
    outcomes = await asyncio.gather(*map(commits.append, appends), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 2
    table.failure = None
    assert (await commits.append(append(1))).first_sequence == 1


async def test_an_append_that_was_cancelled_before_it_left_is_never_written() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=1)
    table.gate.clear()
    tasks = await _started(commits, append(1), append(2), append(3))
    tasks[1].cancel()
    table.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Placed, asyncio.CancelledError, Placed]
    assert table.logs[append(2).key] == []
    assert (await commits.append(append(2))).first_sequence == 1


async def test_an_append_that_was_cancelled_on_its_way_is_over_when_that_is_told() -> None:
    table = Table()
    commits = GroupCommit(table.commit, lanes=1)
    table.gate.clear()
    tasks = await _started(commits, append(1))
    tasks += await _started(commits, append(1, "b"))
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0.005)
    assert not tasks[0].done()
    table.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, Placed]
    assert table.logs[append(1).key] == ["a", "b"]


class RestlessTable(Table):
    """Commits whenever it likes; now and then it is away, before or after it has committed."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    async def commit(self, group: Sequence[Append]) -> Mapping[Key, Placed | None]:
        for _ in range(self._random.randint(0, 4)):
            await asyncio.sleep(0)
        self.locked = {one.run.int for one in group if self._random.random() < 0.1}
        if self._random.random() < 0.05:
            raise Unavailable("gone before")
        placed = await super().commit(group)
        for _ in range(self._random.randint(0, 4)):
            await asyncio.sleep(0)
        if self._random.random() < 0.05:
            raise Unavailable("gone after")
        return placed


async def _restless(seed: int, runs: int, each: int) -> None:
    random = Random(seed)
    table = RestlessTable(random)
    commits = GroupCommit(table.commit, lanes=random.randint(1, 4))

    async def write(run: int) -> None:
        """Like a run's writer: in doubt, or cancelled, it looks into the log before it goes on."""
        key, said = append(run).key, 0
        while said < each:
            payloads = [str(said + n) for n in range(random.randint(1, min(3, each - said)))]
            if random.random() < 0.1:
                payloads[0] = POISON
            try:
                task = asyncio.ensure_future(commits.append(append(run, *payloads)))
                for _ in range(random.randint(0, 6)):
                    await asyncio.sleep(0)
                if random.random() < 0.1:
                    task.cancel()
                placed = await task
                assert placed.first_sequence == said + 1
            except (Unavailable, InvalidInput, asyncio.CancelledError):
                pass
            assert len(table.logs[key]) in (said, said + len(payloads))
            said = len(table.logs[key])

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for run in range(1, runs + 1):
            group.create_task(write(run))
    for run in range(1, runs + 1):
        assert table.logs[append(run).key] == [str(n) for n in range(each)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), runs=st.integers(1, 12), each=st.integers(1, 15))
def test_however_commits_failures_and_cancellations_interleave_no_run_has_a_gap(
    seed: int, runs: int, each: int
) -> None:
    with asyncio.Runner() as runner:
        runner.run(_restless(seed, runs, each))
