from collections.abc import AsyncGenerator
from typing import Protocol

from domain.agents.task import AgentTask
from domain.runs.event import EventKind
from domain.runs.journal import Mark


class AgentRunner(Protocol):
    """Schedules an agent's steps. Which step comes next is `domain.agents.routing`'s to say."""

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind | Mark]:
        """Drive the task to its end; yield its events as they happen, `RunCompleted` last.

        Between them come marks: whoever is given all of them as `task.kept` goes on after the last
        step that had ended, and says first with a `DraftDiscarded` when what was shown of a draft
        is void. A mark stands after the events of its step and before those of the next; an urgent
        one has to be kept before the next is asked for. A task that waits for a person ends with
        `RunPaused` instead; the answer comes among the marks.

        Raises what a step raises: BudgetSpent, in the middle of a call, when the agent's tokens are
        used up.

        Cancelling the consumer, or closing the generator, cancels the step at work.
        """
        ...
