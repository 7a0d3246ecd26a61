"""Path templates of `google.api.http`: `/v1/{name=spaces/*}/runs/{run.run_id}:watch`.

Source: the grammar in google/api/http.proto.
    Template = "/" Segments [ ":" Verb ]        Segment = "*" | "**" | Literal | Variable
    Variable = "{" FieldPath [ "=" Segments ] "}"
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = re.compile(rf"\{{({_NAME}(?:\.{_NAME})*)(?:=([^{{}}]+))?\}}")
_LITERAL = re.compile(r"[A-Za-z0-9\-._~%!$&'()+,;@]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class TemplateError(ValueError):
    """The contract itself is wrong; found when the application is built."""


class PathError(ValueError):
    """The caller's path cannot be decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`field` takes segments `start` to `end`, or all from `start` when `end` is None."""

    field: str
    start: int
    end: int | None
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`segments` are literals, `*` for one segment, and as the last `**` for any number of them."""

    text: str
    segments: tuple[str, ...]
    variables: tuple[Variable, ...]
    verb: str

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Raises TemplateError for a template that the grammar does not allow."""
        if not text.startswith("/"):
            raise TemplateError(f"{text}: a path template starts with /")
        path, verb = _split_verb(text[1:])
        segments: list[str] = []
        variables: list[Variable] = []
        for piece in _pieces(path):
            match = _VARIABLE.fullmatch(piece)
            inner = (match[2] or "*").split("/") if match else [piece]
            if match:
                start, end = len(segments), len(segments) + len(inner)
                variables.append(
                    Variable(
                        field=match[1],
                        start=start,
                        end=None if inner[-1] == "**" else end,
                        pattern="/".join(inner),
                    )
                )
            segments += inner
        _check(text, segments, verb, [variable.field for variable in variables])
        return cls(text=text, segments=tuple(segments), variables=tuple(variables), verb=verb)

    def capture(self, raw: Sequence[str]) -> dict[str, str]:
        """What each variable holds, for raw segments that match. Raises PathError."""
        return {
            variable.field: decode_segment(raw[variable.start])
            if variable.pattern == "*"
            else "/".join(_decode_inside(part) for part in raw[variable.start : variable.end])
            for variable in self.variables
        }


def split_path(raw_path: str) -> tuple[list[str], str]:
    """Raw segments and verb. An unescaped colon in the last segment always begins a verb."""
    path, verb = _split_verb(raw_path.removeprefix("/"))
    return path.split("/"), verb


def decode_segment(raw: str) -> str:
    """Percent-decode one segment. Raises PathError when it is broken or not UTF-8."""
    if "%" not in raw:
        return raw
    if _BROKEN_ESCAPE.search(raw):
        raise PathError("the path holds a % that two hexadecimal digits do not follow")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise PathError("the path is not UTF-8 once its %-escapes are decoded") from None


def _decode_inside(raw: str) -> str:
    """As `decode_segment`, but an escaped slash stays escaped: it is no border between segments."""
    return re.sub("%2[Ff]", "%2F", "%2F".join(decode_segment(p) for p in re.split("%2[Ff]", raw)))


def _split_verb(path: str) -> tuple[str, str]:
    head, slash, last = path.rpartition("/")
    depth = last.rfind("}")
    colon = last.find(":", depth + 1)
    return (path, "") if colon < 0 else (head + slash + last[:colon], last[colon + 1 :])


def _pieces(path: str) -> Iterator[str]:
    """The segments, where slashes inside braces do not count."""
    depth = start = 0
    for index, character in enumerate(path):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and not depth:
            yield path[start:index]
            start = index + 1
    yield path[start:]


def _check(text: str, segments: Sequence[str], verb: str, fields: Sequence[str]) -> None:
    for segment in segments:
        if segment not in ("*", "**") and not _LITERAL.fullmatch(segment):
            raise TemplateError(f"{text}: {segment!r} is no segment")
    if "**" in segments[:-1]:
        raise TemplateError(f"{text}: ** can only come last")
    if len(set(fields)) != len(fields):
        raise TemplateError(f"{text}: a field is bound twice")
    if text.endswith(":") or (verb and not _LITERAL.fullmatch(verb)):
        raise TemplateError(f"{text}: {verb!r} is no verb")
