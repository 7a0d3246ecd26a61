"""What a tool notes before a Markdown text is no part of the text."""

import time

import pytest

from adapters.docling.front_matter import without_front_matter


def test_the_notes_of_a_tool_are_left_out_and_the_title_is_told() -> None:
    text = '---\ntitle: "Our lamps"\ntags:\n  - lamps\n# note\n\ndate: 2026-05-01\n---\n# Lamps\n'

    assert without_front_matter(text) == ("# Lamps\n", "Our lamps")


def test_notes_without_a_title_give_none() -> None:
    assert without_front_matter("---\nlayout: page\n...\nText\n") == ("Text\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "# Lamps\n\n---\ntitle: x\n---\n",
        "---\n\nA rule, and text below it.\n\n---\n",
        "---\ntitle: never closed\n",
        "----\ntitle: x\n----\n",
        "",
    ],
)
def test_everything_else_is_text(text: str) -> None:
    assert without_front_matter(text) == (text, "")


def test_a_megabyte_of_notes_costs_no_time() -> None:
    started = time.process_time()

    without_front_matter("---\n" + "a: b\n" * 200_000)
    without_front_matter("---\n" + "a " * 500_000)

    assert time.process_time() - started < 1
