"""Everything about conversations, wired: what is read of them, remembered and made ready."""

from dataclasses import dataclass

from adapters.postgres.conversation_memory import PostgresConversationMemory
from adapters.postgres.conversation_store import PostgresConversationStore
from adapters.postgres.pool import Pool
from application.conversations.fold import FoldConversation
from application.conversations.folding import Folding
from application.conversations.manage import ManageConversations
from application.conversations.prepare import PrepareConversation
from application.conversations.prepared import PreparedConversations
from application.conversations.recall import RecallConversation
from application.conversations.summarise import Summarise
from application.ports.chat_model import ChatModel
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.settings_store import SettingsStore
from domain.agents.definition import AgentCatalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    manage: ManageConversations
    recall: RecallConversation
    prepare: PrepareConversation
    folding: Folding


def build_conversations(
    *,
    pool: Pool,
    model: ChatModel,
    settings: SettingsStore,
    agents: AgentCatalogue,
    clock: Clock,
    entropy: Entropy,
    sections: int,
) -> Conversations:
    """`sections` as for the agents' steps: a model that writes by section is a small one."""
    memory, prepared = PostgresConversationMemory(pool), PreparedConversations(clock)
    recall = RecallConversation(memory=memory, model=model, prepared=prepared)
    summarise = Summarise(model=model, entropy=entropy, by_model=sections == 0)
    return Conversations(
        manage=ManageConversations(
            conversations=PostgresConversationStore(pool), clock=clock, entropy=entropy
        ),
        recall=recall,
        prepare=PrepareConversation(
            recall=recall,
            prepared=prepared,
            settings=settings,
            agents=agents,
            model=model,
            sections=sections,
        ),
        folding=Folding(
            FoldConversation(memory=memory, summarise=summarise, model=model, entropy=entropy)
        ),
    )
