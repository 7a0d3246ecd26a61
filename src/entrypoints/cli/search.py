"""`obelisk search`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from domain.errors import InvalidInput
from entrypoints.cli.ingest import CollectionName
from entrypoints.cli.spaces import client, enter
from entrypoints.cli.terminal import console, one_line
from entrypoints.settings import Settings
from obelisk.v1 import search_pb2

_MOST_IMAGE_BYTES = 2 * 1024 * 1024
_SHOWN_CHARACTERS = 320
# How much of what stands before the first highlight is shown with it.
_BEFORE_CHARACTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for: words, a picture, or both."""

    query: str
    collections: tuple[CollectionName, ...]
    limit: int
    image: Path | None = None


async def search(
    settings: Settings,
    server: str,
    space: str | None,
    wanted: Wanted,
) -> None:
    """Show what is found, where it stands and how it was found."""
    request = search_pb2.SearchRequest(
        query=wanted.query,
        collections=[one.wire for one in wanted.collections],
        limit=wanted.limit,
        image=_bytes_of(wanted.image) if wanted.image else b"",
    )
    async with client(settings, server) as obelisk:
        await enter(obelisk, space)
        answer = await obelisk.search.Search(request, metadata=obelisk.metadata)
    show(console, answer)


def _bytes_of(image: Path) -> bytes:
    try:
        if image.stat().st_size > _MOST_IMAGE_BYTES:
            raise InvalidInput(f"{image} is larger than 2 MiB; send a smaller picture")
        return image.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{image} cannot be read: {error.strerror}") from error


def show(terminal: Console, answer: search_pb2.SearchResponse) -> None:
    """Print results, best first."""
    for way in answer.degraded_ways:
        terminal.print(Text(f"could not be searched by {way}", "yellow"))
    if not answer.results:
        terminal.print("nothing found")
    for number, result in enumerate(answer.results, start=1):
        terminal.print(_heading(number, result))
        terminal.print(_excerpt(result))
        terminal.print(Text(f"   found by {_ways(result.hits)}{_also(result)}", "dim"))


def _heading(number: int, result: search_pb2.SearchResult) -> Text:
    page = f"p. {result.page}" if result.page else ""
    parts = (page, " > ".join(result.section_path[-2:]))
    place = "  ".join(one_line(part) for part in parts if part)
    filename = one_line(result.filename)
    return Text.assemble((f"{number}. ", "bold"), (filename, "bold"), f"  {place}".rstrip())


def _excerpt(result: search_pb2.SearchResult) -> Text:
    """As much of the text as is read at a glance, from a little before its first highlight."""
    text = Text(one_line(result.text))
    for mark in result.highlights:
        text.stylize("bold green", mark.start, mark.end)
    first = result.highlights[0].start if result.highlights else 0
    start = max(first - _BEFORE_CHARACTERS, 0)
    end = min(start + _SHOWN_CHARACTERS, len(result.text))
    before, after = "…" if start else "", "…" if end < len(result.text) else ""
    return Text.assemble("   ", before, text[start:end], after)


def _ways(hits: Iterable[search_pb2.SearchHit]) -> str:
    return ", ".join(f"{hit.way} ({hit.stream}, rank {hit.rank})" for hit in hits)


def _also(result: search_pb2.SearchResult) -> str:
    names = dict.fromkeys(place.filename for place in result.also_in)
    return f"; also in {one_line(', '.join(names))}" if names else ""
