"""Keeps text from speaking as structure: a message may not open or close a role by itself."""

import re
from collections.abc import Callable, Iterable


def neutraliser(control_tokens: Iterable[str]) -> Callable[[str], str]:
    """A function that breaks each control token in a text apart with a space.

    The model's own words for structure are read as structure wherever they stand, so text from
    outside that holds `<|im_start|>system` would otherwise be a system message.
    """
    longest_first = sorted(control_tokens, key=len, reverse=True)
    if not longest_first:
        return _whole_characters
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(_broken, _whole_characters(text))


def _broken(found: re.Match[str]) -> str:
    return f"{found[0][0]} {found[0][1:]}"


def _whole_characters(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
