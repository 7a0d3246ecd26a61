"""The bound must hold against a real vocabulary."""

import pytest

from adapters.local.chat import LlamaChatModel
from adapters.local.weights import packaged_chat_model
from domain.token_bound import cut_to, most_tokens

TEXTS = [
    "Our new summer roast tastes of cherry and cocoa; order before Friday & save 15 %!",
    "| Product | Price |\n|---|---|\n| Decaf 250 g | 9.90 € |\n\n## Storage\n- dry\n- dark\n",
    "Grüße aus Zürich: Öffnungszeiten und Kaffeespezialitäten über Weihnachten",
    "東京で一番おいしいコーヒー 🦊👩‍👩‍👧",
    "https://example.org/path?utm_source=newsletter&id=3f9a1c",
    "def total(prices):\n    return sum(price * 1.19 for price in prices)\n",
    "",
]
"""Held against SmolLM2's vocabulary (49,152 pieces): larger ones need fewer tokens."""


@pytest.mark.parametrize("tokens", [0, 1, 7, 30])
@pytest.mark.parametrize("text", TEXTS)
def test_a_cut_text_is_a_beginning_that_fits(text: str, tokens: int) -> None:
    kept = cut_to(text, tokens)
    assert text.startswith(kept)
    assert most_tokens(kept) <= tokens
    assert kept == text or most_tokens(text[: len(kept) + 1]) > tokens


async def test_the_bound_is_above_what_a_real_vocabulary_needs() -> None:
    model = LlamaChatModel(packaged_chat_model(), name="smollm2", context_tokens=256)
    await model.start()
    for text in TEXTS:
        assert model.count_tokens(text) <= most_tokens(text)
    await model.close()
