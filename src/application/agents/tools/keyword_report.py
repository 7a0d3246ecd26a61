"""Which phrases the space's own passages and saved web pages use for the question's subject."""

import json

from application.ports.tool import ToolInput, ToolOutput
from domain.agents.effect import Effect
from domain.documents.document import Collection
from domain.errors import FailedPrecondition
from domain.retrieval.keywords import Keyword, keywords

_LIMIT = 8
_BRIEFED = 5


class NoPassages(FailedPrecondition):
    reason = "NO_PASSAGES"

    def __init__(self) -> None:
        super().__init__("nothing in this space is about the question; upload documents first")


class KeywordReport:
    """The SEO agent's tool: own phrases, and those that only saved web pages use (gaps)."""

    name = "keyword_report"
    effect = Effect.NONE

    def arguments_json(self, given: ToolInput) -> str:
        return json.dumps({"passages": len(given.passages)})

    async def call(self, given: ToolInput) -> ToolOutput:
        if not given.passages:
            raise NoPassages
        web = [f.passage.text for f in given.passages if f.passage.collection is Collection.WEB]
        own = [f.passage.text for f in given.passages if f.passage.collection is not Collection.WEB]
        ours = keywords(own, _LIMIT)
        gaps = [k for k in keywords(web, _LIMIT) if k.phrase not in {o.phrase for o in ours}]
        result = {"keywords": [_plain(k) for k in ours], "gaps": [_plain(k) for k in gaps]}
        return ToolOutput(result_json=json.dumps(result), brief=_brief(ours))


def _plain(keyword: Keyword) -> dict[str, str | int]:
    return {"phrase": keyword.phrase, "count": keyword.count, "passages": keyword.passages}


def _brief(ours: tuple[Keyword, ...]) -> str:
    phrases = ", ".join(keyword.phrase for keyword in ours[:_BRIEFED])
    return f"Use these search phrases: {phrases}." if phrases else ""
