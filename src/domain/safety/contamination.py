"""What must not leave in an answer, found while it streams.

An answer passes through `AnswerScreen` piece by piece. Text is held back while it could still turn
into something forbidden, so that nothing shown ever has to be taken back; how the answer is cut
into pieces changes neither what is shown nor what is found.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from domain.safety.markup import MarkupFilter, Removed

_ECHO_WORDS = 12
_PROMPTS_KNOWN = 64
# Controls but tab and line feed, marks of direction, zero-width spaces, and tag characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
_EXCERPT_CHARACTERS = 80
_WORD = re.compile(r"[^\W_]+")
_Words = tuple[str, ...]


class FindingKind(Enum):
    MARKER_LEAK = "marker_leak"
    PROMPT_LEAK = "prompt_leak"
    REMOVED_MARKUP = "removed_markup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`excerpt` is at most 80 characters and never the secret itself."""

    kind: FindingKind
    excerpt: str

    @property
    def stops_the_run(self) -> bool:
        return self.kind is not FindingKind.REMOVED_MARKUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """`text` may be shown; once a finding stops the run, nothing further may be."""

    text: str
    findings: tuple[Finding, ...] = ()

    @property
    def contaminated(self) -> bool:
        return any(finding.stops_the_run for finding in self.findings)


class AnswerScreen:
    """One answer's way out. Feed the pieces in order, then `finish`.

    `marker` is the nonce around the sources in this prompt, `memory_mark` the one around what it
    remembers of a conversation, if it does; `prompt` the instructions that an answer must not
    repeat; `allowed` the text whose links it may repeat.
    """

    def __init__(self, *, marker: str, prompt: str, allowed: str, memory_mark: str = "") -> None:
        self._markup = MarkupFilter(allowed)
        self._secrets = _Secrets([mark for mark in (marker, memory_mark) if mark], prompt)
        self._stopped = False

    def feed(self, piece: str) -> Screened:
        """Take the next piece; return what of the answer so far may be shown now."""
        return self._screen(piece, final=False)

    def finish(self) -> Screened:
        """The answer is over: release what is left, or what is wrong with it."""
        return self._screen("", final=True)

    def _screen(self, piece: str, *, final: bool) -> Screened:
        shown: list[str] = []
        findings: list[Finding] = []
        visible = _UNSEEN.sub("", piece)
        for item in [*self._markup.feed(visible, final=final), *([""] if final else [])]:
            if self._stopped:
                break
            if isinstance(item, Removed):
                findings.append(self._of_removed(item.text))
            else:
                text, leak = self._secrets.feed(item, final=final and item == "")
                shown.append(text)
                findings += [Finding(kind=leak, excerpt="")] if leak else []
            self._stopped = any(finding.stops_the_run for finding in findings)
        return Screened(text="".join(shown), findings=tuple(findings))

    def _of_removed(self, text: str) -> Finding:
        """A secret in an address that nobody sees was meant for whoever is called by it."""
        leak = self._secrets.within(text)
        if leak is not None:
            return Finding(kind=leak, excerpt="")
        return Finding(kind=FindingKind.REMOVED_MARKUP, excerpt=text[:_EXCERPT_CHARACTERS])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Echoes:
    """Twelve words in a row of a prompt, and what they could begin with: whole words, or torn."""

    whole: frozenset[_Words]
    beginnings: frozenset[_Words]
    torn: frozenset[_Words]


class _Secrets:
    """Shows a text up to a marker, or up to twelve words in a row of the prompt."""

    def __init__(self, markers: Sequence[str], prompt: str) -> None:
        self._markers = [marker.casefold() for marker in markers]
        either = "|".join(map(re.escape, markers))
        self._find_marker = re.compile(either or r"(?!)", re.IGNORECASE)
        self._echoes = _echoes(prompt)
        self._held = ""
        self._mid_word = False

    def feed(self, piece: str, *, final: bool) -> tuple[str, FindingKind | None]:
        text = self._held + piece
        echo, echoed = self._echo(text, final=final)
        marker = self._find_marker.search(text)
        held = 0 if final else max((_overlap(text, each) for each in self._markers), default=0)
        end = min(echo, marker.start() if marker else len(text) - held)
        self._held = text[end:]
        self._mid_word = _WORD.fullmatch(text[end - 1]) is not None if end else self._mid_word
        if marker and not (echoed and echo < marker.start()):
            return text[:end], FindingKind.MARKER_LEAK
        return text[:end], FindingKind.PROMPT_LEAK if echoed else None

    def within(self, text: str) -> FindingKind | None:
        """What a whole text gives away."""
        if self._find_marker.search(text):
            return FindingKind.MARKER_LEAK
        repeats = not self._echoes.whole.isdisjoint(_windows([word for word, _, _ in _words(text)]))
        return FindingKind.PROMPT_LEAK if repeats else None

    def _echo(self, text: str, *, final: bool) -> tuple[int, bool]:
        """Where an echo begins, or could begin, and whether it is one."""
        words = _words(text)
        if words and words[0][1] == 0 and self._mid_word:
            words = words[1:]
        torn = bool(words) and words[-1][2] == len(text) and not final
        for first, (_, start, _) in enumerate(words):
            run = tuple(word for word, _, _ in words[first : first + _ECHO_WORDS])
            at_end = first + len(run) == len(words)
            if run in self._echoes.whole and not (at_end and torn):
                return start, True
            if at_end and not final:
                alive = self._echoes.torn if torn else self._echoes.beginnings
                if run in alive:
                    return start, False
        return len(text), False


@lru_cache(maxsize=_PROMPTS_KNOWN)
def _echoes(prompt: str) -> _Echoes:
    # Kept: a prompt is an agent's, the same in every run, and this takes milliseconds.
    whole = _windows([word for word, _, _ in _words(prompt)])
    beginnings = frozenset(echo[:n] for echo in whole for n in range(1, _ECHO_WORDS + 1))
    torn = frozenset(
        (*words[:-1], words[-1][:n]) for words in beginnings for n in range(1, len(words[-1]) + 1)
    )
    return _Echoes(whole=whole, beginnings=beginnings, torn=torn)


def _words(text: str) -> list[tuple[str, int, int]]:
    # Folded character by character, so that a torn word begins as the whole one does.
    return [(found[0].casefold(), *found.span()) for found in _WORD.finditer(text)]


def _windows(words: list[str]) -> frozenset[_Words]:
    last = len(words) - _ECHO_WORDS + 1
    return frozenset(tuple(words[i : i + _ECHO_WORDS]) for i in range(last))


def _overlap(text: str, folded: str) -> int:
    """Length of the longest end of `text` that begins a marker, whatever the case."""
    longest = len(folded) - 1
    tail = text[-longest:].casefold() if longest > 0 else ""
    start = tail.find(folded[:1], max(0, len(tail) - longest))
    while start >= 0 and not folded.startswith(tail[start:]):
        start = tail.find(folded[0], start + 1)
    return len(tail) - start if start >= 0 else 0
