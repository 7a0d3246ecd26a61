"""One call of a tool: told before and after, and never done twice for the same step."""

import json
from dataclasses import dataclass

from application.agents.events import Emit, kept
from application.agents.tool_result import bounded, failure_of
from application.ports.clock import Clock
from application.ports.tool import Tool, ToolInput, ToolOutput
from domain.agents.effect import Effect
from domain.agents.task import AgentTask
from domain.errors import ObeliskError
from domain.plain import Plain, from_plain, to_plain
from domain.runs.event import StageTimed, ToolCalled, ToolReturned, WarningRaised
from domain.runs.journal import Mark, MarkKind

_UNKNOWN = "the server stopped in the middle; nobody knows whether it was done, so see for yourself"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """What the journal keeps of a call: first that it has begun, then what came of it."""

    ended: bool = False
    output: ToolOutput | None = None
    failure: str = ""


class ToolCall:
    """`place` counts the plan's calls from 0: it tells this step from every other of the run."""

    def __init__(
        self, tool: Tool, place: int, *, task: AgentTask, emit: Emit, clock: Clock
    ) -> None:
        self._tool = tool
        self._task = task
        self._emit = emit
        self._clock = clock
        self._call_id = f"{place}.{tool.name}"

    @property
    def idempotency_key(self) -> str:
        return f"{self._task.run_id}/{self._call_id}"

    async def __call__(self, given: ToolInput) -> CallRecord:
        """Call the tool, or take what an earlier attempt has kept; never raises ObeliskError."""
        earlier = self._earlier()
        if earlier is not None and earlier.ended:
            return earlier
        arguments = self._tool.arguments_json(given)
        name = self._tool.name
        self._emit(ToolCalled(call_id=self._call_id, tool=name, arguments_json=arguments))
        if earlier is not None and self._tool.effect is Effect.ONCE:
            return await self._returned(CallRecord(ended=True, failure=_UNKNOWN), 0.0)
        if self._tool.effect is Effect.ONCE:
            await kept(self._emit, self._mark(CallRecord()))
        start = self._clock.monotonic()
        record = await self._performed(given)
        return await self._returned(record, self._clock.monotonic() - start)

    async def _performed(self, given: ToolInput) -> CallRecord:
        try:
            output, told = bounded(await self._tool.call(given))
        except ObeliskError as error:
            return CallRecord(ended=True, failure=failure_of(error.message))
        if told:
            told = f"{self._tool.name}: {told}"
            self._emit(WarningRaised(reason="TOOL_RESULT_CUT", message=told))
        return CallRecord(ended=True, output=output)

    async def _returned(self, record: CallRecord, seconds: float) -> CallRecord:
        name, failed = self._tool.name, bool(record.failure)
        result = record.output.result_json if record.output else ""
        # Said in one go with its mark: the log has told the outcome when the journal knows it.
        self._emit(
            ToolReturned(
                call_id=self._call_id, tool=name, result_json=result, failure=record.failure
            )
        )
        self._emit(StageTimed(stage=f"tool.{name}", seconds=seconds, degraded=failed))
        if self._tool.effect is Effect.NONE:
            self._emit(self._mark(record))
        else:
            await kept(self._emit, self._mark(record))
        return record

    def _mark(self, record: CallRecord) -> Mark:
        payload = json.dumps(to_plain(record), ensure_ascii=False).encode()
        urgent = self._tool.effect is not Effect.NONE
        return Mark(kind=MarkKind.TOOL, key=self._call_id, payload=payload, urgent=urgent)

    def _earlier(self) -> CallRecord | None:
        for mark in self._task.kept:
            if mark.kind is MarkKind.TOOL and mark.key == self._call_id:
                plain: Plain = json.loads(mark.payload)
                return from_plain(CallRecord, plain)
        return None
