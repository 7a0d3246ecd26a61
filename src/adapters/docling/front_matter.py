"""The YAML before a Markdown text: settings of the tool that wrote it, and no part of it."""

import re

# Between two lines of hyphens at the very beginning; the first characters of the lines tell it from
# a rule with text below.
_FRONT_MATTER = re.compile(
    r"\s*---[ \t]*\n((?:[A-Za-z_][\w -]*:.*\n|[ \t#-].*\n|\n){1,200}?)(?:---|\.\.\.)[ \t]*(?:\n|$)"
)
_TITLE = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)


def without_front_matter(text: str) -> tuple[str, str]:
    """The text without it, and the title that it gives, which is empty when it gives none."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return text, ""
    title = _TITLE.search(front[1])
    return text[front.end() :], title[1].strip(" \"'") if title else ""
