"""Pages of long lists, by key and never by offset: a page stays right while rows come and go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import InvalidInput

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`after` is the id of the last item already seen; ids are time-ordered (UUIDv7)."""

    size: int = DEFAULT_PAGE_SIZE
    after: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """`next_after` is None on the last page."""

    items: tuple[Item, ...]
    next_after: UUID | None


def page_request(page_size: int, page_token: str) -> PageRequest:
    """Read a page's wire form: 0 means the default size, a token is the last id seen."""
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        raise InvalidInput(f"page_size lies in 1..{MAX_PAGE_SIZE}", field="page_size")
    try:
        after = UUID(page_token) if page_token else None
    except ValueError:
        raise InvalidInput(
            "page_token is not one that a page before gave", field="page_token"
        ) from None
    return PageRequest(size=page_size or DEFAULT_PAGE_SIZE, after=after)


def page_of(rows: Sequence[Item], size: int, key: Callable[[Item], UUID]) -> Page[Item]:
    """Cut `rows`, fetched with one more than `size`, into a page that knows whether it is last."""
    items = tuple(rows[:size])
    return Page(items=items, next_after=key(items[-1]) if len(rows) > size else None)
