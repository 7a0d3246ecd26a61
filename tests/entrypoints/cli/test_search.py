"""What `obelisk search` shows."""

from io import StringIO

import pytest
from rich.console import Console

from entrypoints.cli.search import show
from obelisk.v1 import run_pb2, search_pb2


def _shown(answer: search_pb2.SearchResponse) -> str:
    seen = StringIO()
    show(Console(file=seen, width=400, force_terminal=False), answer)
    return seen.getvalue()


def _result(text: str, *marks: tuple[int, int]) -> search_pb2.SearchResult:
    return search_pb2.SearchResult(
        filename="guide.md",
        section_path=["Guide", "Fish", "Herring"],
        page=3,
        text=text,
        highlights=[search_pb2.Highlight(start=start, end=end) for start, end in marks],
        hits=[search_pb2.SearchHit(stream="semantic", way="words", rank=2)],
        also_in=[run_pb2.SourcePlace(filename="copy.md")] * 2,
    )


def test_a_result_says_where_it_stands_and_how_it_was_found() -> None:
    seen = _shown(search_pb2.SearchResponse(results=[_result("Smoked\nherring.", (7, 14))]))
    assert "1. guide.md  p. 3  Fish > Herring" in seen
    assert "Smoked herring." in seen
    assert "found by words (semantic, rank 2); also in copy.md" in seen


def test_a_long_text_is_shown_around_its_first_highlight() -> None:
    text = "word " * 400 + "herring" + " word" * 400
    seen = _shown(search_pb2.SearchResponse(results=[_result(text, (2_000, 2_007))]))
    assert "…" in seen
    assert "herring" in seen
    assert len(seen) < 900


@pytest.mark.parametrize("markup", ["[bold]x[/bold]", "[/]"])
def test_a_text_is_shown_as_it_is(markup: str) -> None:
    assert markup in _shown(search_pb2.SearchResponse(results=[_result(markup)]))


@pytest.mark.parametrize("steering", ["\x1b]0;mine\x07", "\x9b31m", "\u202e", "\x7f", "\r"])
def test_nothing_in_a_document_steers_the_terminal(steering: str) -> None:
    result = _result(f"Smoked {steering} herring.", (7 + len(steering) + 1, 14 + len(steering) + 1))
    result.section_path.append(steering)
    result.also_in.add(filename=steering)
    seen = _shown(search_pb2.SearchResponse(results=[result]))
    assert not set(seen) & {"\x1b", "\x07", "\x9b", "\u202e", "\x7f", "\r"}
    assert "herring" in seen


def test_what_could_not_be_searched_is_told() -> None:
    seen = _shown(search_pb2.SearchResponse(degraded_ways=["meaning"]))
    assert "could not be searched by meaning" in seen
    assert "nothing found" in seen
