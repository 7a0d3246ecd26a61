"""Gemini's answers, piece by piece."""

from dataclasses import dataclass, field

from google.cloud.aiplatform_v1.types import Candidate, GenerateContentResponse

from domain.agents.chat import ChatFinished, ChatRequest, FinishReason, ModelUnavailable

_Reason = Candidate.FinishReason
_REASONS: dict[int, FinishReason] = {
    _Reason.STOP: FinishReason.STOP,
    _Reason.MAX_TOKENS: FinishReason.LENGTH,
    _Reason.SAFETY: FinishReason.REFUSED,
    _Reason.RECITATION: FinishReason.REFUSED,
    _Reason.BLOCKLIST: FinishReason.REFUSED,
    _Reason.PROHIBITED_CONTENT: FinishReason.REFUSED,
    _Reason.SPII: FinishReason.REFUSED,
    _Reason.MODEL_ARMOR: FinishReason.REFUSED,
}
_BYTES_A_TOKEN = 4


@dataclass(slots=True)
class AnswerReader:
    """Follows one answer; thoughts are counted, and never shown."""

    _reason: FinishReason | None = field(default=None, init=False)
    _usage: tuple[int, int] | None = field(default=None, init=False)
    _bytes: int = field(default=0, init=False)

    def read(self, piece: GenerateContentResponse) -> str:
        """The text in one piece; empty where it has none.

        Raises:
            Unavailable: the model stopped for a reason that is no end of an answer.
        """
        # The bare message: each look through proto-plus makes new objects.
        message = GenerateContentResponse.pb(piece)
        usage = message.usage_metadata
        if usage.prompt_token_count:
            written = usage.candidates_token_count + usage.thoughts_token_count
            self._usage = (usage.prompt_token_count, written)
        if message.prompt_feedback.block_reason:
            self._reason = FinishReason.REFUSED
        if not message.candidates:
            return ""
        candidate = message.candidates[0]
        text = "".join(part.text for part in candidate.content.parts if not part.thought)
        self._bytes += _bytes_of(text)
        self._note(candidate.finish_reason)
        return text

    def finished(self, request: ChatRequest) -> ChatFinished:
        """The last chunk, with estimates where the service counted nothing.

        Raises:
            Unavailable: the stream broke off before the answer's end.
        """
        if self._reason is None:
            raise ModelUnavailable("the model broke off before the answer's end")
        prompt = sum(_bytes_of(message.content) for message in request.messages)
        estimates = (-(-prompt // _BYTES_A_TOKEN), -(-self._bytes // _BYTES_A_TOKEN))
        prompt_tokens, completion_tokens = self._usage or estimates
        return ChatFinished(
            reason=self._reason, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
        )

    def _note(self, reason: int) -> None:
        if not reason:
            return
        if (known := _REASONS.get(reason)) is None:
            raise ModelUnavailable(f"the model stopped without an answer ({_name(reason)})")
        if self._reason is not FinishReason.REFUSED:
            self._reason = known


def _bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _name(reason: int) -> str:
    try:
        return str(_Reason(reason).name)
    except ValueError:
        return f"reason {reason}"
