"""Holds copy against the space's brand rules: terms to avoid, claims to prove, reading ease."""

import json

from application.ports.tool import ToolInput, ToolOutput
from domain.agents.effect import Effect
from domain.plain_text import terms_in
from domain.safety.readability import flesch_reading_ease


class BrandCheck:
    """The brand agent's tool. The copy under check is the question itself."""

    name = "brand_check"
    effect = Effect.NONE

    def arguments_json(self, given: ToolInput) -> str:
        return json.dumps({"characters": len(given.question)})

    async def call(self, given: ToolInput) -> ToolOutput:
        voice = given.settings.brand_voice
        avoid = terms_in(given.question, voice.terms_to_avoid)
        claims = terms_in(given.question, voice.claims_needing_proof)
        ease = round(flesch_reading_ease(given.question), 1)
        result = {"terms_to_avoid": avoid, "claims_needing_proof": claims, "reading_ease": ease}
        return ToolOutput(result_json=json.dumps(result), brief=_brief(avoid, claims))


def _brief(avoid: tuple[str, ...], claims: tuple[str, ...]) -> str:
    notes = []
    if avoid:
        notes.append(f"Brand check: do not repeat these words: {', '.join(avoid)}.")
    if claims:
        notes.append(f"Brand check: these claims need proof: {'; '.join(claims)}.")
    return " ".join(notes)
