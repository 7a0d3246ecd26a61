"""An answer while it is written: screened, shown piece by piece, and accounted for."""

from collections.abc import Callable, Sequence
from contextlib import aclosing, closing

from application.agents.gathering import Gathering
from application.agents.prompt import Section
from application.agents.spending import Spending
from application.ports.chat_model import ChatModel
from application.ports.clock import Clock
from domain.agents.chat import ChatFinished, ChatRequest, FinishReason
from domain.runs.event import EventKind, StageTimed, TokenBatch, UsageRecorded, WarningRaised
from domain.safety.contamination import AnswerScreen, Screened


class Answer:
    """One draft. Nothing leaves through `emit` that the screen has not let pass."""

    def __init__(
        self,
        *,
        model: ChatModel,
        clock: Clock,
        screen: AnswerScreen,
        emit: Callable[[EventKind], None],
        window: Callable[[], float],
        spending: Spending,
    ) -> None:
        """`window` says how many seconds pieces may gather before they are screened."""
        self._model = model
        self._clock = clock
        self._screen = screen
        self._emit = emit
        self._window = window
        self._spending = spending
        self._shown: list[str] = []
        self._begun = clock.monotonic()
        self._first_token_seen = False
        self.refused = False
        self.contaminated = False
        self.tokens_used = 0

    @property
    def text(self) -> str:
        """What has been shown, joined."""
        return "".join(self._shown)

    async def write(
        self, sections: Sequence[Section], supported: Callable[[str, int], bool]
    ) -> None:
        """Have every section written; stop at contamination.

        Raises BudgetSpent in the middle of a call, and what the model raises.

        The number of its source is put behind a section that is `supported` by it, and no other.
        """
        for section in sections:
            written = await self._section(section.request)
            if self.contaminated or self.refused:
                break
            if section.source is not None and supported(written, section.source):
                self._show(self._screen.feed(f" [{section.source}]"))
            if len(sections) > 1:
                self._show(self._screen.feed("\n\n"))
        if not self.contaminated:
            self._show(self._screen.finish())
        self._time("model.answer")

    async def _section(self, request: ChatRequest) -> str:
        written: list[str] = []
        await self._spending.begin(request)
        # Screened together: what a screen lets pass does not depend on how a text is cut.
        with closing(Gathering(self._screened, self._window)) as gathering:
            async with aclosing(self._model.stream(request)) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, ChatFinished):
                        gathering.flush()
                        self._account(chunk)
                        continue
                    if not self._first_token_seen:
                        self._first_token_seen = True
                        self._time("model.first_token")
                    written.append(chunk.text)
                    gathering.add(chunk.text)
                    if self.contaminated:
                        break
                    await self._spending.write(chunk.text)
            gathering.flush()
        return "".join(written)

    def _screened(self, text: str) -> None:
        self._show(self._screen.feed(text))

    def _show(self, screened: Screened) -> None:
        if screened.text:
            self._shown.append(screened.text)
            self._emit(TokenBatch(text=screened.text))
        for finding in screened.findings:
            self._emit(WarningRaised(reason=finding.kind.value.upper(), message=finding.excerpt))
        self.contaminated = self.contaminated or screened.contaminated

    def _account(self, finished: ChatFinished) -> None:
        self.refused = finished.reason is FinishReason.REFUSED
        used = finished.prompt_tokens + finished.completion_tokens
        self.tokens_used += used
        self._spending.end(used)
        self._emit(
            UsageRecorded(
                model=self._model.name,
                prompt_tokens=finished.prompt_tokens,
                completion_tokens=finished.completion_tokens,
            )
        )

    def _time(self, stage: str) -> None:
        self._emit(StageTimed(stage=stage, seconds=self._clock.monotonic() - self._begun))
