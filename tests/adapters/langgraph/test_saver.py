"""The saver, held to LangGraph's own conformance suite over real journals, and to our limits."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    empty_checkpoint,
)
from langgraph.checkpoint.conformance import (
    checkpointer_test,
    validate,
)
from langgraph.checkpoint.serde._msgpack import STRICT_MSGPACK_ENABLED
from langgraph.types import Interrupt

from adapters.langgraph.saver import JournalSaver
from adapters.langgraph.serializer import PlainSerializer
from domain.identifiers import RunId
from domain.plain import NotPlain
from domain.runs.event import RunCompleted
from domain.runs.journal import MOST_MARK_BYTES, Mark, MarkKind, MarkTooLarge, with_marks
from domain.runs.run import RunNotFound, TerminationReason
from fixtures.making import Home, new_home, run
from fixtures.stores import Stores, memory_stores, postgres_stores

BASE = {"put", "put_writes", "get_tuple", "list", "delete_thread"}
NOT_OFFERED = {"delete_for_runs", "copy_thread", "prune"}
CONFIG: RunnableConfig = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}
METADATA: CheckpointMetadata = {"source": "loop", "step": 1, "parents": {}}


class StoredSaver(BaseCheckpointSaver[int]):
    """Each call meets a saver that knows only what the journal of its thread's run has kept."""

    def __init__(self, stores: Stores, home: Home) -> None:
        super().__init__()
        self._stores = stores
        self._home = home

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        said: list[Mark] = []
        saver = await self._fresh(config, said)
        put = await saver.aput(config, checkpoint, metadata, new_versions)
        await self._keep(config, said)
        return put

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        said: list[Mark] = []
        saver = await self._fresh(config, said)
        await saver.aput_writes(config, writes, task_id, task_path)
        await self._keep(config, said)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await (await self._fresh(config, [])).aget_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        assert config is not None
        saver = await self._fresh(config, [])
        async for found in saver.alist(config, filter=filter, before=before, limit=limit):
            yield found

    async def adelete_thread(self, thread_id: str) -> None:
        """A journal goes with its run."""
        ended = RunCompleted(reason=TerminationReason.COMPLETE)
        try:
            await self._stores.runs.get(self._home.space, RunId(UUID(thread_id)))
        except RunNotFound:
            return
        await self._stores.log.append(self._home.space, RunId(UUID(thread_id)), 1, [ended])

    async def _fresh(self, config: RunnableConfig, said: list[Mark]) -> JournalSaver:
        marks = await self._stores.journal.read(self._home.space, _run_of(config))
        return JournalSaver(marks=marks, emit=said.append, thorough=True)

    async def _keep(self, config: RunnableConfig, said: list[Mark]) -> None:
        runs, space, run_id = self._stores.runs, self._home.space, _run_of(config)
        try:
            await runs.get(space, run_id)
        except RunNotFound:
            await runs.create(replace(run(self._home), run_id=run_id), None)
            await runs.claim(space, run_id)
        await self._stores.log.append(space, run_id, 1, [], with_marks((), said))


def _run_of(config: RunnableConfig) -> RunId:
    return RunId(UUID(config["configurable"]["thread_id"]))


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("pool"))


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


async def test_it_conforms_to_what_is_asked_of_every_saver(stores: Stores, home: Home) -> None:
    async def made() -> AsyncGenerator[StoredSaver]:
        yield StoredSaver(stores, home)

    registered = checkpointer_test(name="JournalSaver", skip_capabilities=set())(made)
    report = await validate(registered)
    assert report.passed_all_base(), report.to_dict()
    assert {name for name, result in report.results.items() if result.detected} == BASE
    assert {name for name, result in report.results.items() if not result.detected} == NOT_OFFERED
    assert sum(result.tests_passed for result in report.results.values()) > 45


def _checkpoint(**values: object) -> Checkpoint:
    made = empty_checkpoint()
    made["channel_values"] = values
    made["channel_versions"] = dict.fromkeys(values, 1)
    return made


async def test_only_the_latest_checkpoint_is_kept_and_only_what_changed_is_said() -> None:
    said: list[Mark] = []
    saver = JournalSaver(marks=(), emit=said.append)
    first, second = _checkpoint(a=[1], b=[2], c="small"), _checkpoint(a=[3], b=[2], c="small")
    second["channel_versions"]["a"] = 2
    put = await saver.aput(CONFIG, first, METADATA, {"a": 1, "b": 1, "c": 1})
    del said[:3]
    await saver.aput(put, second, METADATA, {"a": 2})
    assert [(mark.kind, mark.key) for mark in said] == [
        (MarkKind.CHANNEL, "a"),
        (MarkKind.CHECKPOINT, ""),
    ]
    assert [found.checkpoint["id"] async for found in saver.alist(CONFIG)] == [second["id"]]
    assert await saver.aget_tuple(put) is None


async def test_what_was_said_brings_the_same_checkpoint_back() -> None:
    kept: list[Mark] = []
    saver = JournalSaver(marks=(), emit=kept.append)
    put = await saver.aput(
        CONFIG, _checkpoint(a={"b": [None, 1.5]}, c="Grüße 数"), METADATA, {"a": 1}
    )
    pause = Interrupt(value="Approve?", id="1")
    await saver.aput_writes(put, [("__interrupt__", (pause,))], "task")
    again = JournalSaver(marks=with_marks((), kept), emit=kept.append)
    assert await again.aget_tuple(CONFIG) == await saver.aget_tuple(CONFIG)
    found = await again.aget_tuple(CONFIG)
    assert found is not None
    assert found.pending_writes == [("task", "__interrupt__", (pause,))]


async def test_what_a_task_wrote_is_left_to_the_checkpoint_after_it() -> None:
    said: list[Mark] = []
    saver = JournalSaver(marks=(), emit=said.append)
    put = await saver.aput(CONFIG, _checkpoint(), METADATA, {})
    said.clear()
    await saver.aput_writes(put, [("a", [1])], "task")
    await saver.aput_writes(put, [("__error__", RuntimeError("postgres://secret"))], "task")
    assert said == []


async def test_a_checkpoint_that_is_too_large_is_refused_and_says_why() -> None:
    saver = JournalSaver(marks=(), emit=lambda mark: None)
    large = _checkpoint(passages=["x" * MOST_MARK_BYTES])
    with pytest.raises(MarkTooLarge, match=r"channel passages takes 1,048,\d+ bytes") as refused:
        await saver.aput(CONFIG, large, METADATA, {"passages": 1})
    assert refused.value.reason == "CHECKPOINT_TOO_LARGE"


@pytest.mark.parametrize("value", [{1, 2}, b"raw", object(), UUID(int=1), float("nan"), print])
async def test_only_plain_values_are_written(value: object) -> None:
    with pytest.raises(NotPlain):
        PlainSerializer().dumps_typed({"value": value})


@pytest.mark.parametrize("form", ["msgpack", "pickle", "json+pickle", "bytes", ""])
def test_only_what_it_wrote_itself_is_read(form: str) -> None:
    with pytest.raises(NotPlain):
        PlainSerializer().loads_typed((form, b'{"lc": 2, "type": "constructor"}'))


def test_a_stored_text_that_names_a_class_builds_nothing() -> None:
    hostile = {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["true"]}
    assert PlainSerializer().loads_typed(PlainSerializer().dumps_typed(hostile)) == hostile


def test_langgraph_itself_is_told_to_be_strict() -> None:
    assert STRICT_MSGPACK_ENABLED
