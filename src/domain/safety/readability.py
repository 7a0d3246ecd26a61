"""How easy a text is to read."""

import re

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?]+")
_VOWELS = re.compile(r"[aeiouyäöüáéíóúàèìòù]+", re.IGNORECASE)


def flesch_reading_ease(text: str) -> float:
    """Flesch reading ease: 100 is very easy, 0 very hard; 100 for a text without words.

    206.835 - 1.015 words/sentences - 84.6 syllables/words; syllables are runs of vowels.
    Source: Flesch, "A new readability yardstick", Journal of Applied Psychology 32 (1948).
    """
    words = _WORD.findall(text)
    if not words:
        return 100.0
    sentences = max(1, len([part for part in _SENTENCE.split(text) if part.strip()]))
    syllables = sum(max(1, len(_VOWELS.findall(word))) for word in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)
