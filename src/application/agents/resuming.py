"""What an attempt at a run takes over from those before it, whatever schedules its steps."""

from collections.abc import Iterable

from domain.agents.state import AgentState
from domain.runs.codec import answer_in
from domain.runs.event import DraftDiscarded
from domain.runs.journal import Mark, MarkKind
from domain.runs.pause import Answer


def discarded(state: AgentState, shown_characters: int) -> Iterable[DraftDiscarded]:
    """What is said first when a draft is written anew of which something was shown."""
    if shown_characters and not state.progress.drafted:
        yield DraftDiscarded(characters=shown_characters)


def answer_to(pause_id: str, kept: Iterable[Mark]) -> Answer | None:
    """What a person has answered to this pause, if anybody has."""
    for mark in kept:
        if mark.kind is MarkKind.ANSWER and mark.key == pause_id:
            return answer_in(mark)
    return None
