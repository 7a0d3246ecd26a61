"""PrepareConversation: what the next question will read first is fetched and warmed now."""

import asyncio

from application.agents.prompt import Desk, conversation_so_far, system_text
from application.context import RequestContext
from application.conversations.prepared import Prepared, PreparedConversations
from application.conversations.recall import RecallConversation
from application.ports.chat_model import ChatModel
from application.ports.prompt_warmer import PromptWarmer
from application.ports.settings_store import SettingsStore
from domain.agents.chat import ChatMessage, Role
from domain.agents.definition import AgentCatalogue, AgentDefinition
from domain.agents.earlier import Earlier
from domain.identifiers import ConversationId
from domain.tenancy.access import Action
from domain.tenancy.settings import SpaceSettings

_SECONDS = 20.0


class PrepareConversation:
    """One prompt is warmed at a time, and none twice: asking often costs a read and no model."""

    def __init__(
        self,
        *,
        recall: RecallConversation,
        prepared: PreparedConversations,
        settings: SettingsStore,
        agents: AgentCatalogue,
        model: ChatModel,
        sections: int,
    ) -> None:
        """`sections` as for the agents' steps."""
        self._recall = recall
        self._prepared = prepared
        self._settings = settings
        self._agents = agents
        self._model = model
        self._sections = sections
        self._warming = asyncio.Lock()

    async def __call__(
        self, context: RequestContext, *, conversation_id: ConversationId, agent: str
    ) -> bool:
        """Whether everything was warm when this was answered.

        Raises:
            UnknownAgent, ConversationNotFound, ActionNotAllowed.
        """
        space = context.space_for(Action.ASK)
        asked = self._agents.get(agent)
        found, earlier = await self._recall.read(space, conversation_id, before=None)
        known = self._prepared.peek(space, conversation_id)
        if known is not None and (known.head, known.agent) == (found.head, asked.name):
            return True
        settings = await self._settings.get(space)
        prepared = Prepared(head=found.head, earlier=earlier, agent="")
        self._prepared.put(space, conversation_id, prepared)
        if not await self._warmed(asked, settings, earlier):
            return False
        warmed = Prepared(head=found.head, earlier=earlier, agent=asked.name)
        self._prepared.put(space, conversation_id, warmed)
        return True

    async def _warmed(
        self, agent: AgentDefinition, settings: SpaceSettings, earlier: Earlier
    ) -> bool:
        if not isinstance(self._model, PromptWarmer):
            return True
        if self._warming.locked():
            return False
        async with self._warming:
            prefix = await asyncio.to_thread(self._prefix, agent, settings, earlier)
            try:
                async with asyncio.timeout(_SECONDS):
                    return await self._model.warm(prefix)
            except TimeoutError:
                return False

    def _prefix(
        self, agent: AgentDefinition, settings: SpaceSettings, earlier: Earlier
    ) -> tuple[ChatMessage, ...]:
        """As the agent's prompt will begin, if its question leaves the conversation its room."""
        desk = self._desk()
        system = ChatMessage(role=Role.SYSTEM, content=system_text(agent, settings, desk))
        room = desk.context_tokens - agent.max_answer_tokens
        return (system, *conversation_so_far(earlier, room, desk.count_tokens))

    def _desk(self) -> Desk:
        return Desk(
            context_tokens=self._model.context_tokens,
            count_tokens=self._model.count_tokens,
            sections=self._sections,
        )
