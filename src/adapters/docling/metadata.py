"""Fields of a file's metadata that speak to whoever reads the file by machine."""

import re
from collections.abc import Iterable

from domain.documents.structure import HiddenKind, HiddenText

_MIN_WORDS = 12
_TO_A_MACHINE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}"
    r"\b(?:instructions?|prompts?|rules?|above|previous|before|context)\b"
    r"|\b(?:system prompt|language model|chat ?bot|you are (?:an?|now)|as an ai)\b"
    r"|^\s*(?:system|assistant|ai|llm)\s*:",
    re.IGNORECASE | re.DOTALL,
)


def speaking(fields: Iterable[str], *, prose_too: bool = True) -> list[HiddenText]:
    """Fields that address a machine and, unless told otherwise, those that hold whole sentences.

    Titles, names and lists of keywords are what metadata is for, and are left alone.
    """
    return [
        HiddenText(text=text, kind=HiddenKind.METADATA)
        for text in dict.fromkeys(fields)
        if _TO_A_MACHINE.search(text) or (prose_too and _is_prose(text))
    ]


def addresses_a_machine(text: str) -> bool:
    return _TO_A_MACHINE.search(text) is not None


def _is_prose(text: str) -> bool:
    words = len(text.split())
    return words >= _MIN_WORDS and text.count(",") + text.count(";") < words / 4
