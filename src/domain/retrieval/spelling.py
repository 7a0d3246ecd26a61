"""One spelling for a text and for what is sought in it, where files and scripts have several.

A search takes words apart at spaces, which some scripts do without: there each two letters that
stand beside each other are a word.
"""

import re
import unicodedata

# Thai and Lao, Burmese, Khmer, kana, Chinese letters, and Korean, whose words wear their endings.
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\uac00-\ud7a3"
)
_RUN = re.compile(f"[{UNSPACED}]+")
# Ligatures, Arabic letters by their form, and letters of another width: the same as any others.
_FORMS = re.compile("[\ufb00-\ufdff\ufe70-\ufefc\uff01-\uffdc]+")
_SEPARATORS = re.compile(r"[\W_]+")
_SOFT_HYPHEN = "\u00ad"


def searchable(text: str) -> str:
    """A text in words as it is found by: by each of its letters, too, where no space parts them."""
    return _RUN.sub(lambda run: f" {' '.join((*run[0], *_pairs(run[0])))} ", _spelled(text))


def sought(question: str) -> str:
    """A question in words as they are looked for among those of a `searchable` text."""
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]) or run[0])} ", _spelled(question))


def named(title: str, filename: str) -> str:
    """What a document is called, as a text: its file name also in single words."""
    return "\n".join(dict.fromkeys((title, filename, _SEPARATORS.sub(" ", filename))))


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)]


def _spelled(text: str) -> str:
    if text.isascii():
        return text
    whole = unicodedata.normalize("NFC", text.replace(_SOFT_HYPHEN, ""))
    return _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), whole)
