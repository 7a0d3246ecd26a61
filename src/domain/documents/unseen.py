"""Characters that take up no room: taken out of a text, and what they carried told.

What belongs to a script stays: joiners in Arabic, Indic scripts and emoji, marks of direction
beside right-to-left letters, and flags made of tag characters.
"""

import re
import unicodedata
from collections.abc import Iterator

from domain.documents.structure import HiddenKind, HiddenText

_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_SMUGGLED = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_UNSEEN = re.compile(
    "[\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u115f\u1160\u3164]"
)
_ANY = re.compile(
    "[\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\u115f\u1160\u3164\ufe00-\ufe0f\U000e0000-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"
_DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BREAKS = "\u200b\u2060\ufeff"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")
_TAG_BASE = 0xE0000


def without_unseen(text: str, page: int | None = None) -> tuple[str, tuple[HiddenText, ...]]:
    """The text that can be seen, and what was hidden in it.

    Tag characters are told as the letters they stand for; of the others the words around them are
    told exactly as they were.
    """
    if text.isascii() or not _ANY.search(text):
        return text, ()
    hidden = [*_tagged(text, page), *_smuggled(text, page)]
    kept = _TAGS.sub("", _SMUGGLED.sub("", _FLAG.sub(_shielded, text)))
    places = [m.start() for m in _UNSEEN.finditer(kept) if not _belongs(kept, m.start())]
    suspicious = [place for place in places if not _breaks_a_line(kept, place)]
    if suspicious:
        words = dict.fromkeys(_word_at(kept, place) for place in suspicious)
        hidden.append(HiddenText(text=" ".join(words), kind=HiddenKind.ZERO_WIDTH, page=page))
    gone = set(places)
    shown = "".join(letter for i, letter in enumerate(kept) if i not in gone)
    return _unshielded(shown), tuple(hidden)


def _tagged(text: str, page: int | None) -> Iterator[HiddenText]:
    for run in _TAGS.findall(_FLAG.sub("", text)):
        letters = "".join(chr(ord(c) - _TAG_BASE) for c in run)
        said = "".join(c for c in letters if c.isprintable()) or run
        yield HiddenText(text=said, kind=HiddenKind.TAG_CHARACTERS, page=page)


def _smuggled(text: str, page: int | None) -> Iterator[HiddenText]:
    """Bytes written as selectors of glyph variants, one after another."""
    for run in _SMUGGLED.findall(text):
        data = bytes(
            ord(c) - 0xFE00 if ord(c) < 0xFE10 else ord(c) - 0xE0100 + 16
            for c in run
            if ord(c) - 0xE0100 + 16 < 256
        )
        try:
            said = data.decode("utf-8")
        except UnicodeDecodeError:
            said = ""
        is_text = said.isprintable() and said != ""
        yield HiddenText(text=said if is_text else run, kind=HiddenKind.ZERO_WIDTH, page=page)


def _belongs(text: str, place: int) -> bool:
    """Whether the character does something for the letters beside it."""
    letter = text[place]
    before = text[place - 1] if place else ""
    after = text[place + 1] if place + 1 < len(text) else ""
    if letter in _JOINERS:
        return _takes_joiners(before) and (not after or _takes_joiners(after) or after.isspace())
    if letter in _DIRECTIONS:
        return _RIGHT_TO_LEFT.search(text) is not None
    return False


def _takes_joiners(letter: str) -> bool:
    if not letter:
        return False
    if unicodedata.category(letter) in ("So", "Sk", "Mn") or letter == "\ufe0f":
        return True
    return "\u0590" <= letter <= "\u1cff" or letter >= "\U0001f000"


def _breaks_a_line(text: str, place: int) -> bool:
    """A place where a long word may be broken, or a mark at the start: no letter hides there."""
    if text[place] not in _BREAKS:
        return False
    before = text[place - 1] if place else " "
    after = text[place + 1] if place + 1 < len(text) else " "
    between_latin = before.isalpha() and after.isalpha() and before < "\u0e00" and after < "\u0e00"
    return not between_latin and not _UNSEEN.match(before) and not _UNSEEN.match(after)


def _word_at(text: str, place: int) -> str:
    start = max(text.rfind(" ", 0, place), text.rfind("\n", 0, place)) + 1
    ends = [end for end in (text.find(" ", place), text.find("\n", place)) if end >= 0]
    return text[start : min(ends, default=len(text))]


# A flag's tag characters wait in the private use area while the others are taken out.
_SHIELD = 0xF0000 - _TAG_BASE


def _shielded(match: re.Match[str]) -> str:
    return match[0][0] + "".join(chr(ord(c) + _SHIELD) for c in match[0][1:])


def _unshielded(text: str) -> str:
    if not re.search("[\U000f0000-\U000f007f]", text):
        return text
    return re.sub(
        "(?<=\U0001f3f4)[\U000f0000-\U000f007f]+",
        lambda m: "".join(chr(ord(c) - _SHIELD) for c in m[0]),
        text,
    )
