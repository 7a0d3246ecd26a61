"""What an enhancer makes of a question: other words for it, and the names that it is about."""

import json
import re
from dataclasses import dataclass

from domain.plain import Plain

MOST_CHARACTERS = 500
MOST_ALTERNATIVES = 2
MOST_ENTITIES = 8
_ENTITY_CHARACTERS = 80
# Controls and invisible marks: nobody searches for them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS},
            "alternatives": {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS},
                "maxItems": MOST_ALTERNATIVES,
            },
            "entities": {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": _ENTITY_CHARACTERS},
                "maxItems": MOST_ENTITIES,
            },
        },
        "required": ["query", "alternatives", "entities"],
        "additionalProperties": False,
    }
)
"""The shape of a model's answer, as a JSON schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancedQuery:
    """`text` stands on its own, whatever was said before.

    `alternatives` ask the same in other words; `entities` are names and terms to look for.
    """

    text: str
    alternatives: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for said in (self.text, *self.alternatives, *self.entities):
            if not said.strip() or len(said) > MOST_CHARACTERS:
                raise ValueError(f"a query has 1 to {MOST_CHARACTERS} characters, not {len(said)}")
        if len(self.alternatives) > MOST_ALTERNATIVES or len(self.entities) > MOST_ENTITIES:
            raise ValueError(
                f"at most {MOST_ALTERNATIVES} alternatives and {MOST_ENTITIES} entities"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchText:
    """One search to make. `by_words` needs no vector: it is a list of names, and no sentence."""

    text: str
    by_words: bool = False


def enhanced_from(answer: str) -> EnhancedQuery | None:
    """What a model's answer says; None for one that does not have the shape of `SCHEMA`."""
    try:
        said: Plain = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    text = _line(said.get("query"))
    alternatives, entities = _lines(said.get("alternatives")), _lines(said.get("entities"))
    if text is None or alternatives is None or entities is None:
        return None
    return EnhancedQuery(
        text=text,
        alternatives=alternatives[:MOST_ALTERNATIVES],
        entities=tuple(entity[:_ENTITY_CHARACTERS] for entity in entities[:MOST_ENTITIES]),
    )


def second_wave(asked: tuple[str, ...], enhanced: EnhancedQuery) -> tuple[SearchText, ...]:
    """What is searched for besides what was `asked`: each text once, the best first."""
    seen = {_key(text) for text in asked}
    wave: list[SearchText] = []
    names = " ".join(enhanced.entities)
    sentences = [(text, False) for text in (enhanced.text, *enhanced.alternatives)]
    for text, by_words in (*sentences, (names, True)):
        if text and _key(text) not in seen:
            seen.add(_key(text))
            wave.append(SearchText(text=text, by_words=by_words))
    return tuple(wave)


def _line(value: Plain) -> str | None:
    if not isinstance(value, str):
        return None
    line = " ".join(_UNSEEN.sub(" ", value).split())
    return line if 0 < len(line) <= MOST_CHARACTERS and _encodable(line) else None


def _lines(value: Plain) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    lines = [_line(one) for one in value]
    return tuple(dict.fromkeys(line for line in lines if line is not None))


def _encodable(text: str) -> bool:
    """JSON can spell half of a surrogate pair; nothing else can hold it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
