"""ExecuteRun: drive the agent, and see to it that every run ends with a reason in its log."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

from application.conversations.recall import RecallConversation
from application.ports.agent_runner import AgentRunner
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.run_journal import RunJournal
from application.ports.run_store import RunStore
from application.retrying import until_available
from application.runs.batching import Batching
from application.runs.shown import shown_characters
from application.runs.writer import RunWriter
from application.unbroken import unbroken
from domain.agents.budget import BudgetSpent
from domain.agents.definition import AgentCatalogue
from domain.agents.earlier import Earlier
from domain.agents.task import AgentTask
from domain.errors import ObeliskError, Unavailable
from domain.identifiers import SpaceId
from domain.runs.event import RunCompleted, RunStarted, stopped
from domain.runs.journal import Mark
from domain.runs.run import CancelReason, FenceLost, Run, RunNotFound, TerminationReason

_log = logging.getLogger(__name__)


class _DeadlinePassed(Exception):
    """The agent's own deadline, not a timeout of something that it waited for."""


class ExecuteRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        log: EventLog,
        fan_out: FanOut,
        recall: RecallConversation,
        journal: RunJournal,
        runner: AgentRunner,
        agents: AgentCatalogue,
        model_name: str,
        clock: Clock,
        foresee: Callable[[SpaceId, str], None] | None = None,
        batching: Batching | None = None,
    ) -> None:
        """`foresee` is told a question as soon as it is known: something will search for it."""
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._recall = recall
        self._journal = journal
        self._runner = runner
        self._agents = agents
        self._model_name = model_name
        self._clock = clock
        self._foresee = foresee
        self._batching = batching or Batching()

    async def __call__(self, run: Run) -> None:
        """Execute the claimed run to its end, or until it waits for a person.

        It goes on from what an earlier attempt has kept. Cancelled without anybody having asked the
        run to stop, it hands the run back. Losing the fence, or the run itself, is quiet.

        Raises Unavailable when the run's log is away for too long: the run has not ended.
        """
        try:
            with self._batching.at_work():
                await self._to_its_end(run)
        except (FenceLost, RunNotFound):
            _log.info("run %s has ended or has another writer", run.run_id)

    async def _to_its_end(self, run: Run) -> None:
        writer = self._writer(run)
        if run.cancel_requested:
            return await self._cancelled(run, writer)
        try:
            await self._in_time(run, writer)
        except _DeadlinePassed as passed:
            await unbroken(self._stop(run, writer, CancelReason.DEADLINE, str(passed)))
        except BudgetSpent as spent:
            await unbroken(self._stop(run, writer, CancelReason.BUDGET, spent.message))
        except FenceLost:
            raise
        except ObeliskError as error:
            if isinstance(error, Unavailable) and await self._is_out_of_reach(run):
                raise
            await self._end(writer, TerminationReason.ERROR, error.message)
        except asyncio.CancelledError:
            if not _is_cancelled():
                # Something that it waited for was: handed back, it would come to that again.
                return await self._failed(run, writer)
            await unbroken(self._stopped(run, writer))
            raise
        except Exception:  # noqa: BLE001 - whatever broke, the run must end in its log
            await self._failed(run, writer)

    async def _failed(self, run: Run, writer: RunWriter) -> None:
        _log.exception("run %s failed", run.run_id)
        await self._end(writer, TerminationReason.ERROR, "an internal error; see the log")

    async def _is_out_of_reach(self, run: Run) -> bool:
        """Whether nothing can be recorded of it for now, which is no reason for it to end."""
        try:
            await self._runs.get(run.space_id, run.run_id)
        except Unavailable:
            return True
        return False

    async def _in_time(self, run: Run, writer: RunWriter) -> None:
        deadline = self._agents.get(run.question.agent).limits.deadline_seconds
        try:
            async with asyncio.timeout(deadline) as scope:
                await self._work(run, writer)
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise _DeadlinePassed(f"over {deadline:.0f} seconds") from error

    async def _work(self, run: Run, writer: RunWriter) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(writer.drain())
                await self._drive(run, writer)
                writer.close()
        except BaseExceptionGroup as group_of_one:
            raise _leaf(group_of_one) from None

    async def _stopped(self, run: Run, writer: RunWriter) -> None:
        """Stopped from outside: the run's end, or this process's, after which it goes on."""
        current = await self._runs.get(run.space_id, run.run_id)
        if current.cancel_requested:
            await self._cancelled(current, writer)
        else:
            await self._hand_back(run, writer)

    async def _hand_back(self, run: Run, writer: RunWriter) -> None:
        try:
            await until_available(writer.flush)
            await self._runs.hand_back(run)
        except (FenceLost, RunNotFound, Unavailable):
            raise
        except Exception:  # noqa: BLE001 - whatever could not be kept, the next one would lack it
            _log.exception("run %s cannot be handed back", run.run_id)
            detail = "its process was stopped, and what it had done last could not be kept"
            await self._stop(run, None, CancelReason.SHUTDOWN, detail)

    async def _stop(
        self, run: Run, writer: RunWriter | None, why: CancelReason, detail: str
    ) -> None:
        """End it as if somebody had asked for that; if somebody has, that reason stays.

        Without a writer, what that had not written is given up.
        """
        current = await until_available(lambda: self._runs.get(run.space_id, run.run_id))
        if current.fence != run.fence:
            raise FenceLost
        marked = await until_available(
            lambda: self._runs.request_cancel(run.space_id, run.run_id, why)
        )
        first = marked.cancel_reason is why
        await self._cancelled(marked, writer or self._writer(marked), detail if first else "")

    async def _drive(self, run: Run, writer: RunWriter) -> None:
        writer.put(RunStarted(chat_model=self._model_name, attempt=run.attempts))
        task = await until_available(lambda: self._task(run))
        async with aclosing(self._runner.run(task)) as said:
            async for kind in said:
                if isinstance(kind, RunCompleted) and kind.reason is TerminationReason.BUDGET:
                    raise BudgetSpent(task.agent.limits.budget_tokens)
                writer.put(kind)
                if isinstance(kind, Mark) and kind.urgent:
                    await writer.settled()

    async def _task(self, run: Run) -> AgentTask:
        question = run.question
        if self._foresee is not None:
            self._foresee(run.space_id, question.text)
        earlier = Earlier()
        if question.conversation_id is not None:
            earlier = await self._recall(run.space_id, question.conversation_id, before=run.run_id)
        kept, shown = await self._left(run)
        return AgentTask(
            space_id=run.space_id,
            run_id=run.run_id,
            agent=self._agents.get(question.agent),
            question=question.text,
            document_ids=question.document_ids,
            earlier=earlier,
            require_approval=run.require_approval,
            kept=kept,
            shown_characters=shown,
        )

    async def _left(self, run: Run) -> tuple[tuple[Mark, ...], int]:
        """What earlier attempts have kept and shown; the first one need not ask."""
        if run.fence <= 1:
            return (), 0
        kept = await self._journal.read(run.space_id, run.run_id)
        return kept, await shown_characters(self._log, run)

    def _writer(self, run: Run) -> RunWriter:
        return RunWriter(
            run,
            log=self._log,
            fan_out=self._fan_out,
            clock=self._clock,
            window=self._batching.seconds,
        )

    async def _cancelled(self, run: Run, writer: RunWriter, detail: str = "") -> None:
        writer.put(stopped(run.cancel_reason, detail))
        await until_available(writer.flush)

    async def _end(self, writer: RunWriter, reason: TerminationReason, detail: str = "") -> None:
        writer.put(RunCompleted(reason=reason, detail=detail))
        await until_available(writer.flush)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real exception; FenceLost before any other, for then nothing may be written."""
    leaves = [
        _leaf(error) if isinstance(error, BaseExceptionGroup) else error
        for error in group.exceptions
    ]
    return next((leaf for leaf in leaves if isinstance(leaf, FenceLost)), leaves[0])
