from typing import Protocol, runtime_checkable

from domain.agents.chat import ChatMessage


@runtime_checkable
class PromptWarmer(Protocol):
    """A chat model that can be made ready for a prompt before it is asked."""

    async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
        """Have the model ready for a prompt that begins with `prefix`; whether it is.

        Gives way to answers that wait. What is read ahead is shown to nobody and kept for as long
        as the model keeps its last prompts. Never raises for a model that is away.
        """
        ...
