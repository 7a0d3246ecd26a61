"""ExecuteRun: drive the agent, and see to it that every run ends with a reason in its log."""

import asyncio
import logging
from contextlib import aclosing

from application.ports.agent_runner import AgentRunner
from application.ports.clock import Clock
from application.ports.conversation_store import ConversationStore
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.run_store import RunStore
from application.retrying import until_available
from application.runs.writer import RunWriter
from application.unbroken import unbroken
from domain.agents.chat import ChatMessage
from domain.agents.definition import AgentCatalogue
from domain.agents.task import AgentTask
from domain.errors import ObeliskError
from domain.runs.event import RunCompleted, RunStarted
from domain.runs.run import FenceLost, Run, RunNotFound, TerminationReason

_log = logging.getLogger(__name__)
_WINDOW_MESSAGES = 7


class _DeadlinePassed(Exception):
    """The agent's own deadline, not a timeout of something that it waited for."""


class ExecuteRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        log: EventLog,
        fan_out: FanOut,
        conversations: ConversationStore,
        runner: AgentRunner,
        agents: AgentCatalogue,
        model_name: str,
        clock: Clock,
    ) -> None:
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._conversations = conversations
        self._runner = runner
        self._agents = agents
        self._model_name = model_name
        self._clock = clock

    async def __call__(self, run: Run) -> None:
        """Execute the claimed run to its end. Losing the fence, or the run itself, is quiet."""
        try:
            await self._to_its_end(run)
        except (FenceLost, RunNotFound):
            _log.info("run %s has ended or has another writer", run.run_id)

    async def _to_its_end(self, run: Run) -> None:
        writer = self._writer(run)
        if run.cancel_requested:
            return await self._end(writer, TerminationReason.CANCELLED)
        try:
            await self._in_time(run, writer)
        except _DeadlinePassed as passed:
            await self._end(writer, TerminationReason.DEADLINE, str(passed))
        except FenceLost:
            raise
        except ObeliskError as error:
            await self._end(writer, TerminationReason.ERROR, error.message)
        except asyncio.CancelledError:
            await unbroken(self._stopped(run, writer))
            raise
        except Exception:  # noqa: BLE001 - whatever broke, the run must end in its log
            _log.exception("run %s failed", run.run_id)
            await self._end(writer, TerminationReason.ERROR, "an internal error; see the log")

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
        """Cancelled from outside: by a person, which ends the run, or by a shutdown."""
        current = await self._runs.get(run.space_id, run.run_id)
        if current.cancel_requested:
            await self._end(writer, TerminationReason.CANCELLED)
        else:
            await until_available(writer.flush)

    async def _drive(self, run: Run, writer: RunWriter) -> None:
        writer.put(RunStarted(chat_model=self._model_name, attempt=run.fence))
        async with aclosing(self._runner.run(await self._task(run))) as events:
            async for kind in events:
                writer.put(kind)

    async def _task(self, run: Run) -> AgentTask:
        question = run.question
        history: tuple[ChatMessage, ...] = ()
        if question.conversation_id is not None:
            window = await self._conversations.window(
                run.space_id, question.conversation_id, _WINDOW_MESSAGES
            )
            earlier = [message for message in window if message.run_id != run.run_id]
            history = tuple(ChatMessage(role=m.role, content=m.content) for m in earlier)
        return AgentTask(
            space_id=run.space_id,
            run_id=run.run_id,
            agent=self._agents.get(question.agent),
            question=question.text,
            document_ids=question.document_ids,
            history=history,
        )

    def _writer(self, run: Run) -> RunWriter:
        return RunWriter(run, log=self._log, fan_out=self._fan_out, clock=self._clock)

    async def _end(self, writer: RunWriter, reason: TerminationReason, detail: str = "") -> None:
        writer.put(RunCompleted(reason=reason, detail=detail))
        await until_available(writer.flush)


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real exception; FenceLost before any other, for then nothing may be written."""
    leaves = [
        _leaf(error) if isinstance(error, BaseExceptionGroup) else error
        for error in group.exceptions
    ]
    return next((leaf for leaf in leaves if isinstance(leaf, FenceLost)), leaves[0])
