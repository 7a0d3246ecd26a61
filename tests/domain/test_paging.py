"""Pages by key."""

from uuid import UUID

import pytest

from domain.errors import InvalidInput
from domain.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest, page_of, page_request

IDS = [UUID(int=n) for n in range(1, 6)]


def _same(item: UUID) -> UUID:
    return item


@pytest.mark.parametrize(
    ("size", "token", "expected"),
    [
        (0, "", PageRequest(size=DEFAULT_PAGE_SIZE)),
        (1, "", PageRequest(size=1)),
        (MAX_PAGE_SIZE, str(IDS[0]), PageRequest(size=MAX_PAGE_SIZE, after=IDS[0])),
    ],
)
def test_a_page_request_is_read(size: int, token: str, expected: PageRequest) -> None:
    assert page_request(size, token) == expected


@pytest.mark.parametrize(
    ("size", "token", "field"),
    [
        (-1, "", "page_size"),
        (MAX_PAGE_SIZE + 1, "", "page_size"),
        (1, "next", "page_token"),
        (1, "0", "page_token"),
    ],
)
def test_a_bad_page_request_is_refused(size: int, token: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        page_request(size, token)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("fetched", "items", "next_after"),
    [(0, 0, None), (2, 2, None), (3, 3, None), (4, 3, IDS[2])],
)
def test_only_a_page_that_is_not_the_last_says_where_to_go_on(
    fetched: int, items: int, next_after: UUID | None
) -> None:
    page = page_of(IDS[:fetched], 3, _same)
    assert (page.items, page.next_after) == (tuple(IDS[:items]), next_after)
