"""Joins characters that a server has cut in two."""


class WholeCharacters:
    """Some servers write a character outside the basic plane as two escapes, in two events."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """All of the text so far that is whole; half a character at its end is held back."""
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return _joined(text)

    def rest(self) -> str:
        """What was held back, as a replacement character: its other half never came."""
        text, self._held = self._held, ""
        return _joined(text)


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
