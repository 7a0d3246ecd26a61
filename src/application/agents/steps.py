"""The four steps of an agent. Each takes the state and returns the next; none knows an engine."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from heapq import merge

from application.agents.answer import Answer
from application.agents.events import Emit
from application.agents.prompt import Desk, Writing, plan_writing
from application.agents.spending import Spending
from application.agents.tool_call import CallRecord, ToolCall
from application.ports.chat_model import ChatModel
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.tool import Tool, ToolInput
from application.retrieval.retrieve import RetrievalRequest, Retrieve
from application.retrieval.searches import resolved
from application.retrying import until_available
from domain.agents.chat import Role
from domain.agents.routing import Step
from domain.agents.state import AgentState, ToolOutcome
from domain.agents.task import AgentTask
from domain.plain_text import terms_in
from domain.retrieval.fusion import without_near_duplicates
from domain.retrieval.passage import FusedPassage
from domain.runs.batching import batch_seconds
from domain.runs.event import (
    Drafted,
    Source,
    SourcesRetrieved,
    StageTimed,
    WarningRaised,
)
from domain.safety.contamination import AnswerScreen
from domain.safety.grounding import follows, ground, named_sources
from domain.safety.provenance import is_external


class AgentSteps:
    """Retrieve, act, write, check. Events leave through `emit` while a step is at work."""

    def __init__(
        self,
        *,
        retrieve: Retrieve,
        model: ChatModel,
        tools: Mapping[str, Tool],
        clock: Clock,
        entropy: Entropy,
        sections: int,
        window: Callable[[], float] = batch_seconds,
    ) -> None:
        """`sections`: from how many sources a small model writes, one by one; 0 for at once.

        `window` says how many seconds the pieces of an answer may gather before they are shown.
        """
        self._retrieve = retrieve
        self._model = model
        self._tools = dict(tools)
        self._clock = clock
        self._entropy = entropy
        self._sections = sections
        self._window = window

    async def take(self, step: Step, task: AgentTask, state: AgentState, emit: Emit) -> AgentState:
        """Do one step. APPROVE is none of them: a person does that."""
        act = {
            Step.RETRIEVE: self.retrieve,
            Step.ACT: self.act,
            Step.WRITE: self.write,
            Step.CHECK: self.check,
        }[step]
        return await act(task, state, emit)

    async def retrieve(self, task: AgentTask, state: AgentState, emit: Emit) -> AgentState:
        start = self._clock.monotonic()
        request = RetrievalRequest(
            space=task.space_id,
            question=task.question,
            documents=task.document_ids,
            config=task.agent.retrieval,
            earlier=task.earlier,
        )
        # A store that restarts costs the run time, and not its end.
        found = await until_available(lambda: self._retrieve(request, emit))
        emit(StageTimed(stage="retrieve", seconds=self._clock.monotonic() - start))
        return replace(
            state,
            progress=replace(state.progress, retrieved=True),
            settings=found.settings,
            passages=found.passages,
            degraded_streams=found.degraded_streams,
        )

    async def act(self, task: AgentTask, state: AgentState, emit: Emit) -> AgentState:
        """Call the plan's next tool; a failure is recorded and, unless required, lived with."""
        name = task.agent.plan[state.progress.tools_called]
        record = await self._call(name, task, state, emit)
        output, failure = record.output, record.failure
        failed = bool(failure) and name in task.agent.required
        outcome = ToolOutcome(
            tool=name,
            result_json=output.result_json if output else "",
            brief=output.brief if output else f"The tool {name} failed: {failure}",
            failure=failure,
        )
        return replace(
            state,
            progress=replace(
                state.progress,
                tools_called=state.progress.tools_called + 1,
                required_tool_failed=failed,
                iterations=state.progress.iterations + 1,
            ),
            passages=_with(state.passages, output.passages)
            if output and output.passages
            else state.passages,
            outcomes=(*state.outcomes, outcome),
        )

    async def write(self, task: AgentTask, state: AgentState, emit: Emit) -> AgentState:
        """Have the model write; every piece passes the screen before anybody sees it."""
        marker = self._entropy.nonce()
        briefs = [outcome.brief for outcome in state.outcomes]
        # In a thread: a model in another process answers for each count of tokens.
        writing = await asyncio.to_thread(plan_writing, task, state, briefs, marker, self._desk())
        emit(_sources(writing.sent, state.degraded_streams))
        for name in writing.cut:
            told = f"the model was given only the beginning of the {name}"
            emit(WarningRaised(reason="PROMPT_CUT", message=told))
        answer = Answer(
            model=self._model,
            clock=self._clock,
            screen=_screen(task, writing, marker),
            emit=emit,
            window=self._window,
            spending=Spending(
                budget=task.agent.limits.budget_tokens,
                used=state.progress.tokens_used,
                count=self._model.count_tokens,
            ),
        )
        sources = [_text(fused) for fused in writing.sent]
        await answer.write(
            writing.sections, lambda text, n: follows(text, sources[n - 1], task.question)
        )
        progress = replace(
            state.progress,
            drafted=True,
            refused=answer.refused,
            contaminated=answer.contaminated,
            iterations=state.progress.iterations + 1,
            tokens_used=state.progress.tokens_used + answer.tokens_used,
        )
        return replace(state, progress=progress, sent=writing.sent, draft=answer.text)

    async def check(self, task: AgentTask, state: AgentState, emit: Emit) -> AgentState:
        """Hold the draft against its sources and the brand's rules; say what does not hold."""
        sources = [_text(fused) for fused in state.sent]
        asked = [m.content for m in task.earlier.history if m.role is Role.USER]
        known = [task.question, *asked, *state.settings.facts.values()]
        known += [outcome.brief for outcome in state.outcomes]
        grounding = ground(state.draft, sources, "\n".join(known))
        named = named_sources(state.draft, sources)
        # Sections were numbered by us: one left bare follows nothing.
        names = bool(named.followed or named.unfollowed or self._sections)
        cited = named.followed if names else grounding.cited
        emit(Drafted(text=state.draft, cited_sources=cited))
        for number, text in named.unfollowed:
            emit(WarningRaised(reason="CITATION_UNSUPPORTED", message=f"[{number}] {text}"))
        for sentence in grounding.unsupported:
            emit(WarningRaised(reason="UNSUPPORTED_CLAIM", message=sentence))
        for term in terms_in(state.draft, state.settings.brand_voice.terms_to_avoid):
            emit(WarningRaised(reason="TERM_TO_AVOID", message=term))
        return replace(state, progress=replace(state.progress, checked=True))

    async def _call(self, name: str, task: AgentTask, state: AgentState, emit: Emit) -> CallRecord:
        place = state.progress.tools_called
        call = ToolCall(self._tools[name], place, task=task, emit=emit, clock=self._clock)
        given = ToolInput(
            space=task.space_id,
            question=task.question,
            passages=state.passages,
            settings=state.settings,
            idempotency_key=call.idempotency_key,
            resolved=resolved(task.question, task.earlier),
        )
        return await call(given)

    def _desk(self) -> Desk:
        return Desk(
            context_tokens=self._model.context_tokens,
            count_tokens=self._model.count_tokens,
            sections=self._sections,
        )


def _text(fused: FusedPassage) -> str:
    """What a source says: its headings belong to it."""
    passage = fused.passage
    return "\n".join([passage.title, *passage.section_path, passage.text])


def _with(
    passages: tuple[FusedPassage, ...], more: tuple[FusedPassage, ...]
) -> tuple[FusedPassage, ...]:
    """The tool's put in by score; what was found before stays in the order that it was given."""
    return tuple(without_near_duplicates(list(merge(passages, more, key=lambda f: -f.score))))


def _screen(task: AgentTask, writing: Writing, marker: str) -> AnswerScreen:
    """No address in an answer stems from a text that outsiders could have written."""
    ours = [f.passage for f in writing.sent if not is_external(f.passage.collection)]
    allowed = "\n".join([task.question, *(passage.text for passage in ours)])
    mark = task.earlier.mark
    return AnswerScreen(marker=marker, prompt=task.agent.prompt, allowed=allowed, memory_mark=mark)


def _sources(sent: tuple[FusedPassage, ...], degraded: tuple[str, ...]) -> SourcesRetrieved:
    sources = tuple(
        Source(
            number=number,
            document_id=fused.passage.document_id,
            chunk_id=fused.passage.chunk_id,
            title=fused.passage.title,
            filename=fused.passage.filename,
            section_path=fused.passage.section_path,
            page=fused.passage.page,
            text=fused.passage.text,
            streams=fused.streams,
            version=fused.passage.version,
            span=fused.passage.span,
            also_in=fused.also_in,
        )
        for number, fused in enumerate(sent, start=1)
    )
    return SourcesRetrieved(sources=sources, degraded_streams=degraded)
