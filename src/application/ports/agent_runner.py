from collections.abc import AsyncGenerator
from typing import Protocol

from domain.agents.task import AgentTask
from domain.runs.event import EventKind


class AgentRunner(Protocol):
    """Schedules an agent's steps. Which step comes next is `domain.agents.routing`'s to say."""

    def run(self, task: AgentTask) -> AsyncGenerator[EventKind]:
        """Drive the task to its end; yield its events as they happen, `RunCompleted` last.

        Cancelling the consumer, or closing the generator, cancels the step at work.
        """
        ...
