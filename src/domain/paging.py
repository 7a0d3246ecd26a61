"""Pages of long lists, by key and never by offset: a page stays right while rows come and go."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import InvalidInput

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`after` is the id of the last item already seen; ids are time-ordered (UUIDv7)."""

    size: int = DEFAULT_PAGE_SIZE
    after: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPageRequest:
    """Of a list that counts its items from 1, newest first; `before` is the last one seen."""

    size: int = DEFAULT_PAGE_SIZE
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """`next_after` is None on the last page."""

    items: tuple[Item, ...]
    next_after: UUID | None


def page_request(page_size: int, page_token: str) -> PageRequest:
    """Read a page's wire form: 0 means the default size, a token is the last id seen."""
    size = _size(page_size)
    try:
        after = UUID(page_token) if page_token else None
    except ValueError:
        raise _no_token() from None
    return PageRequest(size=size, after=after)


def numbered_page_request(page_size: int, page_token: str) -> NumberedPageRequest:
    """Read a page's wire form: 0 means the default size, a token is the last number seen."""
    size = _size(page_size)
    if not page_token:
        return NumberedPageRequest(size=size)
    if not _NUMBER.fullmatch(page_token):
        raise _no_token()
    return NumberedPageRequest(size=size, before=int(page_token))


def page_of(rows: Sequence[Item], size: int, key: Callable[[Item], UUID]) -> Page[Item]:
    """Cut `rows`, fetched with one more than `size`, into a page that knows whether it is last."""
    items = tuple(rows[:size])
    return Page(items=items, next_after=key(items[-1]) if len(rows) > size else None)


def _size(page_size: int) -> int:
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        raise InvalidInput(f"page_size lies in 1..{MAX_PAGE_SIZE}", field="page_size")
    return page_size or DEFAULT_PAGE_SIZE


def _no_token() -> InvalidInput:
    return InvalidInput("page_token is not one that a page before gave", field="page_token")
