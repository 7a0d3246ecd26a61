"""The rules of a page's own `<style>`, and what they say of an element."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from lxml import etree

from adapters.docling.hidden_styles import declarations, important

_NOTES = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
# Strings in which a mark of the grammar stands, such as `content: "}"`.
_MARKED_STRING = re.compile(r"([\"'])[^\"'\n{};]{0,200}[{};][^\"'\n]{0,200}\1")
_MARK = re.compile(r"[{};]")
_FOR_ALL = re.compile(r"@(?:media\s+(?:only\s+)?(?:all|screen)|supports\b.*|layer\b.*)", re.DOTALL)
_STEP = re.compile(r"\s*(>)\s*|\s+")
_COMPOUND = re.compile(
    r"(\*|&|[a-z][\w-]*)?((?:[.#](?:[\w-]|\\.)+|\[[^\]]{1,200}\]|:root)*)", re.IGNORECASE
)
_SIMPLE = re.compile(r"([.#])((?:[\w-]|\\.)+)|\[([^\]]+)\]")
_ATTRIBUTE = re.compile(r"\s*([\w-]+)\s*(?:([~|^$*]?)=\s*[\"']?(.*?)[\"']?\s*(?:[is]\s*)?)?")
_MOST_RULES, _MOST_SELECTORS, _MOST_STEPS, _MOST_NESTED = 5_000, 100, 8, 4


@dataclass(frozen=True, slots=True)
class Element:
    """An element among those around it; `marks` are its tag, `.classes` and `#name`, `around` those
    of all the others."""

    node: etree._Element
    marks: frozenset[str]
    around: frozenset[str]
    parent: "Element | None"

    @classmethod
    def of(cls, node: etree._Element, parent: "Element | None") -> "Element":
        marks = {str(node.tag), *(f".{word}" for word in (node.get("class") or "").split())}
        if name := node.get("id"):
            marks.add(f"#{name}")
        around = parent.around | parent.marks if parent is not None else frozenset()
        return cls(node, frozenset(marks), around, parent)


@dataclass(frozen=True, slots=True)
class _Compound:
    """What one element must have; `is_child` when the one before it must be right around it."""

    marks: frozenset[str]
    attributes: tuple[tuple[str, str, str], ...]
    is_child: bool

    def fits(self, element: Element) -> bool:
        return self.marks <= element.marks and all(
            _has(element.node.get(name), sign, value) for name, sign, value in self.attributes
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    """`weight` is by what rules over others: names, then classes, then tags, then the order."""

    steps: tuple[_Compound, ...]
    weight: tuple[int, int, int, int]
    style: dict[str, str]
    firm: dict[str, str]

    def fits(self, element: Element) -> bool:
        if not self.steps[-1].fits(element):
            return False
        is_child = self.steps[-1].is_child
        above = element.parent
        for step in reversed(self.steps[:-1]):
            while above is not None and not step.fits(above):
                if is_child:
                    return False
                above = above.parent
            if above is None:
                return False
            above, is_child = above.parent, step.is_child
        return True


@dataclass(slots=True)
class _Open:
    """A block that is being read; `selectors` is None where it holds only for some readers."""

    selectors: tuple[str, ...] | None
    says: list[str] = field(default_factory=list)


class StyleSheet:
    """Rules by a mark that their element must have, or one around it: frameworks write thousands.

    Those that cannot be told count as not there.
    """

    def __init__(self, css: str) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        self._rules_within: dict[str, list[_Rule]] = {}
        for count, (selectors, says) in enumerate(_blocks(css)):
            if count >= _MOST_RULES:
                break
            for selector in selectors:
                self._add(selector, says, count)

    def _add(self, selector: str, says: str, order: int) -> None:
        steps = _steps(selector)
        if not steps:
            return
        marks = [mark for step in steps for mark in step.marks]
        names = sum(mark.startswith("#") for mark in marks)
        classes = sum(mark.startswith(".") for mark in marks)
        others = sum(len(step.attributes) for step in steps)
        weight = (names, classes + others, len(marks) - names - classes, order)
        rule = _Rule(steps, weight, declarations(says), important(says))
        own, around = steps[-1].marks, [mark for step in steps[:-1] for mark in step.marks]
        if key := min(filter(_is_rare, own), default=""):
            self._rules.setdefault(key, []).append(rule)
        elif key := min(filter(_is_rare, around), default=""):
            self._rules_within.setdefault(key, []).append(rule)
        else:
            self._rules.setdefault(min(own, default="*"), []).append(rule)

    def style_of(self, element: Element, own: str) -> dict[str, str]:
        """All that is said of an element; `own` is its attribute `style`."""
        near = (self._rules.get(key, ()) for key in (*element.marks, "*"))
        far = (self._rules_within.get(key, ()) for key in element.around if self._rules_within)
        rules = [rule for some in chain(near, far) for rule in some if rule.fits(element)]
        rules.sort(key=lambda rule: rule.weight)
        style: dict[str, str] = {}
        for rule in rules:
            style |= rule.style
        style |= declarations(own)
        for rule in rules:
            style |= rule.firm
        return style | important(own)


def _is_rare(mark: str) -> bool:
    """A class or a name, which fewer elements have than a tag."""
    return mark[0] in ".#"


def _blocks(css: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Selectors and what is said of them, with the selectors around nested ones."""
    plain = _MARKED_STRING.sub('""', _NOTES.sub(" ", css))
    stack: list[_Open] = []
    start = 0
    for mark in _MARK.finditer(plain):
        text, start = plain[start : mark.start()].strip(), mark.end()
        if mark[0] == "{":
            stack.append(_opened(text, stack[-1] if stack else _Open(()), len(stack)))
        elif stack:
            stack[-1].says.append(text)
            if mark[0] == "}":
                block = stack.pop()
                if block.selectors:
                    yield block.selectors, ";".join(block.says)


def _opened(prelude: str, around: _Open, depth: int) -> _Open:
    if around.selectors is None or depth > _MOST_NESTED:
        return _Open(None)
    if prelude.startswith("@"):
        return _Open(around.selectors if _FOR_ALL.fullmatch(prelude) else None)
    own = [selector.strip() for selector in prelude.split(",")[:_MOST_SELECTORS]]
    if not around.selectors:
        return _Open(tuple(own))
    nested = (
        one.replace("&", outer) if "&" in one else f"{outer} {one}"
        for outer in around.selectors
        for one in own
    )
    return _Open(tuple(nested)[:_MOST_SELECTORS])


def _steps(selector: str) -> tuple[_Compound, ...]:
    """From the outermost element inwards; none for what is not understood."""
    found: list[_Compound] = []
    is_child, at = False, 0
    selector = selector.strip()
    while at < len(selector) and len(found) < _MOST_STEPS:
        compound = _COMPOUND.match(selector, at)
        if compound is None or not compound[0]:
            return ()
        found.append(_compound(compound[1] or "", compound[2], is_child=is_child))
        step = _STEP.match(selector, compound.end())
        if step is None:
            return tuple(found) if compound.end() == len(selector) else ()
        is_child, at = step[1] is not None, step.end()
    return ()


def _compound(tag: str, rest: str, *, is_child: bool) -> _Compound:
    marks = set() if tag in ("", "*") else {tag.lower()}
    attributes: list[tuple[str, str, str]] = []
    for kind, name, attribute in _SIMPLE.findall(rest):
        if kind:
            marks.add(kind + name.replace("\\", ""))
        elif told := _ATTRIBUTE.fullmatch(attribute):
            sign = "?" if told[3] is None else told[2]
            attributes.append((told[1].lower(), sign, told[3] or ""))
    if ":root" in rest:
        marks.add("html")
    return _Compound(frozenset(marks), tuple(attributes), is_child)


def _has(held: str | None, sign: str, value: str) -> bool:
    """Whether an attribute holds what a selector asks for."""
    if held is None:
        return False
    match sign:
        case "?":
            return True
        case "~":
            return value in held.split()
        case "|":
            return held == value or held.startswith(f"{value}-")
        case "^":
            return value != "" and held.startswith(value)
        case "$":
            return value != "" and held.endswith(value)
        case "*":
            return value != "" and value in held
    return held == value
