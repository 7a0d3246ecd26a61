"""What must not leave in an answer, found while it streams.

An answer passes through `AnswerScreen` piece by piece. Text is held back while it could still turn
into something forbidden, so that nothing shown ever has to be taken back.
"""

import re
from dataclasses import dataclass
from enum import Enum

_MAX_HELD_CHARACTERS = 400
_ECHO_WORDS = 12
_ECHO_CHARACTERS = 400
_LINK = re.compile(
    r"!\[(?P<alt>[^\]\n]*)\]\([^)\n]*\)"
    r"|\[(?P<label>[^\]\n]*)\]\((?P<target>[^)\n]*)\)"
    r"|<(?P<tag>[a-zA-Z/!][^>\n]*)>"
    r"|(?P<bare>(?:https?://|data:|javascript:)[^\s<>)\"']+)",
    re.IGNORECASE,
)
_OPEN_TAIL = re.compile(
    r"(?:!?\[[^\]\n]*(?:\](?:\([^)\n]*)?)?|!|<[^>\n]*"
    r"|(?:https?://|data:|javascript:)[^\s<>)\"']*"
    r"|\b(?:h|ht|htt|http|https|http:|https:|http:/|https:/"
    r"|d|da|dat|data|j|ja|jav|java|javas|javasc|javascr|javascri|javascrip|javascript))$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


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

    `marker` is the nonce around the sources in this prompt; `prompt` the instructions that an
    answer must not repeat; `allowed` the text whose links it may repeat (sources and question).
    """

    def __init__(self, *, marker: str, prompt: str, allowed: str) -> None:
        self._marker = marker.lower()
        self._shingles = _shingles(prompt)
        self._allowed = allowed
        self._held = ""
        self._shown = ""

    def feed(self, piece: str) -> Screened:
        """Take the next piece; return what of the answer so far may be shown now."""
        self._held += piece
        return self._release(self._safe_length(), final=False)

    def finish(self) -> Screened:
        """The answer is over: release what is left, or what is wrong with it."""
        return self._release(len(self._held), final=True)

    def _safe_length(self) -> int:
        end = len(self._held)
        if end <= _MAX_HELD_CHARACTERS and (tail := _OPEN_TAIL.search(self._held)):
            end = tail.start()
        return min(end, len(self._held) - _overlap(self._held.lower(), self._marker))

    def _release(self, end: int, *, final: bool) -> Screened:
        text, self._held = self._held[:end], self._held[end:]
        if self._marker and self._marker in text.lower():
            return Screened(text="", findings=(_finding(FindingKind.MARKER_LEAK, ""),))
        if self._echoes(text, final=final):
            return Screened(text="", findings=(_finding(FindingKind.PROMPT_LEAK, ""),))
        return self._without_markup(text)

    def _echoes(self, text: str, *, final: bool) -> bool:
        self._shown = (self._shown + text)[-_ECHO_CHARACTERS:]
        words = [word.lower() for word in _WORD.findall(self._shown)]
        if not final and self._shown[-1:].isalnum():
            words.pop()  # the last word may go on in the next piece
        windows = range(len(words) - _ECHO_WORDS + 1)
        return any(tuple(words[i : i + _ECHO_WORDS]) in self._shingles for i in windows)

    def _without_markup(self, text: str) -> Screened:
        findings: list[Finding] = []

        def replace(match: re.Match[str]) -> str:
            if match["bare"] and match["bare"].rstrip(".,;:!?") in self._allowed:
                return match[0]
            if match["target"] and match["target"] in self._allowed:
                return match[0]
            findings.append(_finding(FindingKind.REMOVED_MARKUP, match[0]))
            return match["alt"] or match["label"] or ""

        return Screened(text=_LINK.sub(replace, text), findings=tuple(findings))


def _finding(kind: FindingKind, excerpt: str) -> Finding:
    return Finding(kind=kind, excerpt=excerpt[:80])


def _overlap(text: str, marker: str) -> int:
    """Length of the longest end of `text` that begins `marker`."""
    longest = min(len(text), len(marker) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(marker[:n])), 0)


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    last = len(words) - _ECHO_WORDS + 1
    return frozenset(tuple(words[i : i + _ECHO_WORDS]) for i in range(last))
