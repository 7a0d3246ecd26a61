"""What a site's robots.txt lets a fetcher read. Source: RFC 9309."""

import re
from dataclasses import dataclass

from domain.safety.web_address import normal_escapes

MAX_ROBOTS_BYTES = 512 * 1024
_LINE = re.compile(r"\s*([A-Za-z-]+)\s*:([^#]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotsRules:
    """The rules of one group: (allow, pattern); the longest pattern that matches decides."""

    rules: tuple[tuple[bool, str], ...] = ()

    def allows(self, target: str) -> bool:
        """Whether path and query may be read; what no rule matches may be."""
        if target.partition("?")[0] == "/robots.txt":
            return True
        matching = [
            (len(pattern), allow) for allow, pattern in self.rules if _matches(pattern, target)
        ]
        # Of two as long the one that allows counts, and True sorts last.
        return max(matching)[1] if matching else True


EVERYTHING = RobotsRules()
NOTHING = RobotsRules(rules=((False, "/"),))


def robots_rules(content: bytes, agent: str) -> RobotsRules:
    """The rules for `agent` (a product name such as 'Obelisk'), else those for everybody."""
    groups: dict[str, list[tuple[bool, str]]] = {}
    wanted = (agent.lower(), "*")
    chosen: set[str] = set()
    naming = False
    for key, value in _lines(content):
        if key == "user-agent":
            # Several names in a row share the rules that follow.
            chosen = chosen if naming else set()
            naming = True
            name = value.partition("/")[0].strip().lower()
            if name in wanted:
                chosen.add(name)
                groups.setdefault(name, [])
        elif key in ("allow", "disallow"):
            naming = False
            for name in chosen if value else ():
                groups[name].append((key == "allow", normal_escapes(value)))
    return RobotsRules(rules=tuple(next((groups[n] for n in wanted if n in groups), ())))


def _lines(content: bytes) -> list[tuple[str, str]]:
    text = content[:MAX_ROBOTS_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
    found = (_LINE.match(line) for line in re.split(r"\r\n|\r|\n", text))
    return [(match[1].lower(), match[2].strip()) for match in found if match]


def _matches(pattern: str, target: str) -> bool:
    """`*` stands for anything, `$` at the end for the end; time grows with the lengths' product."""
    at_end = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    at = len(first)
    for index, part in enumerate(others):
        if at_end and index == len(others) - 1:
            return len(target) - len(part) >= at and target.endswith(part)
        found = target.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return at == len(target) if at_end else True
