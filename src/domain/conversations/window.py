"""What of a conversation a model reads word for word, and what is folded into its summary.

A window grows turn by turn and is folded to a third of it at once: between two folds each
prompt begins as the one before it did, which a model that remembers its last prompt reads for free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.conversations.turn import Turn
from domain.shortening import CountTokens, shortened

# Shares of a model's context, and what is enough for any model, in tokens.
_RECENT_SHARE, _MOST_RECENT = 0.15, 4_000
_SUMMARY_SHARE, _MOST_SUMMARY = 0.05, 800
_INPUT_SHARE, _MOST_INPUT = 0.5, 12_000
# Of the window: above the first it is folded, to the second.
_FULL, _FOLDED = 0.85, 0.3
_FULL_TURNS, _FOLDED_TURNS = 24, 10
# The frame around a message.
_FRAME_TOKENS = 4

# The most turns that are ever read at once, so that no turn costs more than another.
READ_TURNS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPolicy:
    """Bounds in the chat model's tokens; `input_tokens` is what a summary may be made from."""

    recent_tokens: int
    summary_tokens: int
    input_tokens: int


def window_policy(context_tokens: int) -> WindowPolicy:
    """What a model of so many tokens of context is given of a conversation."""
    return WindowPolicy(
        recent_tokens=min(int(context_tokens * _RECENT_SHARE), _MOST_RECENT),
        summary_tokens=min(int(context_tokens * _SUMMARY_SHARE), _MOST_SUMMARY),
        input_tokens=min(int(context_tokens * _INPUT_SHARE), _MOST_INPUT),
    )


def in_window(turns: Sequence[Turn], budget: int, count: CountTokens) -> tuple[Turn, ...]:
    """The newest turns that fit together, oldest first; the newest one is cut rather than left."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        cost = cost_of(turn, count)
        if cost > budget:
            if not kept:
                kept.append(_cut(turn, budget, count))
            break
        kept.append(turn)
        budget -= cost
    return tuple(reversed(kept))


def to_fold(turns: Sequence[Turn], policy: WindowPolicy, count: CountTokens) -> tuple[Turn, ...]:
    """The oldest turns that are to be folded now; none while the window is not full.

    The newest turn stays, and so does everything from the first turn on that has not ended. No more
    than a summary can be made from at once; a single turn, however long, always.
    """
    costs = [cost_of(turn, count) for turn in turns]
    total, left = sum(costs), len(turns)
    if total <= policy.recent_tokens * _FULL and left <= _FULL_TURNS:
        return ()
    folded: list[Turn] = []
    room = policy.input_tokens
    for turn, cost in zip(turns[:-1], costs, strict=False):
        enough = total <= policy.recent_tokens * _FOLDED and left <= _FOLDED_TURNS
        if enough or not turn.ended or (folded and cost > room):
            break
        folded.append(turn)
        total, left, room = total - cost, left - 1, room - cost
    return tuple(folded)


def cost_of(turn: Turn, count: CountTokens) -> int:
    """Tokens of a turn in a prompt."""
    return count(turn.question) + count(turn.answer) + 2 * _FRAME_TOKENS


def _cut(turn: Turn, budget: int, count: CountTokens) -> Turn:
    """The question gets what it needs, up to a third; the answer what is left."""
    budget = max(budget - 2 * _FRAME_TOKENS, 2)
    question = shortened(turn.question, max(budget // 3, budget - count(turn.answer)), count)
    answer = turn.answer and shortened(turn.answer, max(budget - count(question), 1), count)
    return replace(turn, question=question, answer=answer)
