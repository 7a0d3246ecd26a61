"""A text that stands in document after document must not hide what else there is."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
# As many as a search looks at quickly enough to be asked twice.
_DEEPER = 400
# Of one text: the first is read, and the other is cited with it.
_COPIES = 2


async def beyond_copies(
    search: Callable[[int], Awaitable[Sequence[T]]],
    text_of: Callable[[T], str],
    *,
    limit: int,
    wanted: int,
) -> tuple[T, ...]:
    """What `search(limit)` finds; with fewer texts than `wanted` in a full list, what lies deeper.

    Of each text there are two then at most. Nobody is asked twice otherwise.
    """
    found = await search(limit)
    if len(found) < limit or len(set(map(text_of, found))) >= wanted:
        return tuple(found)
    return tuple(_thinned(await search(max(limit, _DEEPER)), text_of))[:limit]


def _thinned(found: Sequence[T], text_of: Callable[[T], str]) -> Iterator[T]:
    copies: Counter[str] = Counter()
    for one in found:
        copies[text_of(one)] += 1
        if copies[text_of(one)] <= _COPIES:
            yield one
