"""Text that people typed and that others will read on one line or several."""

import re

from domain.errors import InvalidInput

# Controls, and marks that turn the direction of what follows. Tab and line feed are text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain_text(text: str, field: str) -> str:
    """Return `text`; raise InvalidInput when it holds what nobody types and no reader can see."""
    found = _CONTROL.search(text)
    if found is not None:
        raise InvalidInput(
            f"{field} holds the control character U+{ord(found[0]):04X}; remove it", field=field
        )
    return text


def terms_in(text: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `terms` that stand in `text` as words of their own, whatever their case."""
    return tuple(
        term
        for term in terms
        if re.search(rf"(?<!\w){re.escape(term.strip())}(?!\w)", text, re.IGNORECASE)
    )
