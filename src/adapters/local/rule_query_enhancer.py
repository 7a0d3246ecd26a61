"""A query enhancer without a model: what rules can tell, and nothing else."""

from domain.agents.chat import Role
from domain.agents.earlier import Earlier
from domain.retrieval.enhancement import MOST_CHARACTERS, EnhancedQuery
from domain.retrieval.follow_up import standalone
from domain.retrieval.names import names_in


class RuleQueryEnhancer:
    """Resolves follow-ups from earlier questions, and has the names in a question looked for."""

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        asked = [message.content for message in earlier.history if message.role is Role.USER]
        text = " ".join(standalone(question, asked).split())[:MOST_CHARACTERS].strip()
        names = tuple(name for name in names_in(text) if name.strip())
        if not text or (text == " ".join(question.split()) and not names):
            return None
        return EnhancedQuery(text=text, entities=names)
