"""Pages over what lies in memory, by key."""

from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from domain.paging import Page, PageRequest, page_of

Item = TypeVar("Item")


def newest_first(
    items: Iterable[Item], page: PageRequest, key: Callable[[Item], UUID]
) -> Page[Item]:
    """A page in falling order of the keys, which are time-ordered."""
    after = page.after
    rows = sorted((i for i in items if after is None or key(i) < after), key=key, reverse=True)
    return page_of(rows, page.size, key)


def oldest_first(
    items: Iterable[Item], page: PageRequest, key: Callable[[Item], UUID]
) -> Page[Item]:
    """A page in rising order of the keys, which are time-ordered."""
    after = page.after
    rows = sorted((i for i in items if after is None or key(i) > after), key=key)
    return page_of(rows, page.size, key)
