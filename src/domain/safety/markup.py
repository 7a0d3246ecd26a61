"""Links, images and HTML taken out of a text while it streams.

Three filters in a row: tags, link targets, addresses. Each decides by the characters alone, never
by how they were cut into pieces, holds no more than the construct at work, and minds what a removal
before it has brought together. What comes out holds no tag, no link target and no address but the
permitted ones.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST = 1000  # characters of a construct; an opening without an end in reach is disarmed
_TAG = re.compile(rf"<[a-z/!?][^<>]{{0,{_LONGEST}}}>", re.IGNORECASE)
_OPEN_TAG = re.compile(rf"<(?:[a-z/!?][^<>]{{0,{_LONGEST}}})?\Z", re.IGNORECASE)
_TAG_BEGINS = re.compile(r"[a-z/!?]", re.IGNORECASE)
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+|[^\s<>@:/]+@[^\s<>]+)>", re.IGNORECASE)
_TARGET = re.compile(rf"\(([^)]{{0,{_LONGEST}}})\)")
_OPEN_TARGET = re.compile(rf"\([^)]{{0,{_LONGEST}}}\Z")
_SCHEMES = ("https://", "http://", "ftp://", "www.", "data:", "javascript:", "vbscript:")
_NEW_WORD = r"(?<![^\W_])"
_ADDRESS = re.compile(
    rf"(?:{_NEW_WORD}(?:{'|'.join(map(re.escape, _SCHEMES))})|//)[^\s<>\"')]{{1,{_LONGEST}}}",
    re.IGNORECASE,
)
_BEGINNINGS = sorted({scheme[:n] for scheme in _SCHEMES for n in range(1, len(scheme) + 1)})
_OPEN_ADDRESS = re.compile(
    rf"(?:{_NEW_WORD}(?:{'|'.join(map(re.escape, _BEGINNINGS))})|//?)\Z", re.IGNORECASE
)
_LONGEST_SCHEME = max(map(len, _SCHEMES))
_CARRIES_CODE = re.compile(r"\s*(?:data|javascript|vbscript):", re.IGNORECASE)
_LINK_TARGET = re.compile(r"\]\(\s*<?([^\s<>)]+)")
_PUNCTUATION = ".,;:!?*_"


@dataclass(frozen=True, slots=True)
class Removed:
    """What stood where nothing stands now."""

    text: str


Item = str | Removed


class MarkupFilter:
    """Feed the pieces in order, the last one with `final`; text and removals come out in order.

    `allowed` is text whose links may be repeated; code in an address is never permitted.
    """

    def __init__(self, allowed: str) -> None:
        permitted = _permitted(allowed)
        self._filters = (_Tags(), _Targets(permitted), _Addresses(permitted))

    def feed(self, piece: str, *, final: bool = False) -> list[Item]:
        items: list[Item] = [piece]
        for one in self._filters:
            items = one.pass_on(items, final=final)
        return items


class _Filter:
    """One rule over a stream. `_last` is the last character that was let through."""

    def __init__(self) -> None:
        self._held = ""
        self._last = ""
        self._out: list[Item] = []

    def pass_on(self, items: Iterable[Item], *, final: bool) -> list[Item]:
        self._out = []
        for item in items:
            if isinstance(item, Removed):
                self._out.append(item)
            else:
                self._take(item, final=False)
        if final:
            self._take("", final=True)
        return self._out

    def _take(self, piece: str, *, final: bool) -> None:
        text, self._held, at = self._held + piece, "", 0
        while at < len(text):
            at = self._step(text, at, final=final)

    def _step(self, text: str, at: int, *, final: bool) -> int:
        """Deal with what begins at `at`; return where to go on."""
        raise NotImplementedError

    def _hold(self, text: str, start: int) -> int:
        self._held = text[start:]
        return len(text)

    def _show(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._last = text[-1]

    def _remove(self, text: str) -> None:
        self._out.append(Removed(text))


class _Tags(_Filter):
    """No `<` before what could begin a tag; an address between angles is left to the next ones."""

    def _step(self, text: str, at: int, *, final: bool) -> int:
        if self._last == "<" and _TAG_BEGINS.match(text, at):
            self._remove("<")
            self._show(" ")
        start = text.find("<", at)
        if start != at:
            end = len(text) if start < 0 else start
            self._show(text[at:end])
            return end
        if tag := _TAG.match(text, at):
            if link := _AUTOLINK.fullmatch(tag[0]):
                self._show(link[1])
            else:
                self._remove(tag[0])
            return tag.end()
        if not final and _OPEN_TAG.match(text, at):
            return self._hold(text, at)
        self._show("<")
        return at + 1


class _Targets(_Filter):
    """No `](` but before a permitted address, and no `]:` at all: that defines a reference."""

    def __init__(self, permitted: frozenset[str]) -> None:
        super().__init__()
        self._permitted = permitted

    def _step(self, text: str, at: int, *, final: bool) -> int:
        if self._last != "]" or text[at] not in "(:":
            end = text.find("]", at) + 1 or len(text)
            self._show(text[at:end])
            return end
        if target := _TARGET.match(text, at):
            self._decide(target)
            return target.end()
        if text[at] == "(" and not final and _OPEN_TARGET.match(text, at):
            return self._hold(text, at)
        self._remove("]" + text[at])
        self._show(" " + text[at])
        return at + 1

    def _decide(self, target: re.Match[str]) -> None:
        address = target[1].strip().split()[:1]
        if address and _plain(address[0]) in self._permitted:
            self._show(f"({address[0]})")
        else:
            self._remove("]" + target[0])


class _Addresses(_Filter):
    """No address but a permitted one, whether or not anything marks it as a link."""

    def __init__(self, permitted: frozenset[str]) -> None:
        super().__init__()
        self._permitted = permitted
        self._before = ""

    def _take(self, piece: str, *, final: bool) -> None:
        # What stands before decides whether a word begins here.
        before, text = self._before, self._before + self._held + piece
        self._held, at = "", len(before)
        while at < len(text):
            at = self._step(text, at, final=final)
        self._before = text[: len(text) - len(self._held)][-1:]

    def _step(self, text: str, at: int, *, final: bool) -> int:
        found = _ADDRESS.search(text, at)
        if found and (final or found.end() < len(text)):
            self._show(text[at : found.start()])
            self._decide(found[0])
            return found.end()
        if final:
            self._show(text[at:])
            return len(text)
        opening = found or _OPEN_ADDRESS.search(text, max(at, len(text) - _LONGEST_SCHEME))
        start = opening.start() if opening else len(text)
        self._show(text[at:start])
        return self._hold(text, start)

    def _show(self, text: str) -> None:
        # Where an address was taken out, what stood around it must not define a reference.
        super()._show(f" {text}" if self._last == "]" and text.startswith(":") else text)

    def _decide(self, written: str) -> None:
        address = written.rstrip(_PUNCTUATION)
        if not _ADDRESS.match(address) or _plain(address) in self._permitted:
            self._show(written)
            return
        self._remove(address)
        self._show(written[len(address) :])


def _permitted(allowed: str) -> frozenset[str]:
    folded = allowed.casefold()
    # Most texts name no address, and telling that is cheap.
    named = any(mark in folded for mark in ("//", *_SCHEMES))
    addresses = [found[0] for found in _ADDRESS.finditer(allowed)] if named else []
    targets = [found[1] for found in _LINK_TARGET.finditer(allowed)]
    return frozenset(_plain(a) for a in [*addresses, *targets] if not _CARRIES_CODE.match(a))


def _plain(address: str) -> str:
    return address.rstrip(_PUNCTUATION).rstrip("/")
