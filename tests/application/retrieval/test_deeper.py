"""A text that stands everywhere does not hide what else there is."""

from application.retrieval.deeper import beyond_copies

EVERYWHERE = ["terms"] * 60
OTHERS = ["warranty", "prices", "parts"]


class Asked:
    """Finds the first so many of `texts`, and keeps how many it was asked for."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self.limits: list[int] = []

    async def __call__(self, limit: int) -> list[str]:
        self.limits.append(limit)
        return self._texts[:limit]


async def _found(search: Asked) -> tuple[str, ...]:
    return await beyond_copies(search, str, limit=6, wanted=3)


async def test_what_lies_behind_many_copies_of_a_text_is_found() -> None:
    search = Asked([*EVERYWHERE, *OTHERS])
    assert await _found(search) == ("terms", "terms", *OTHERS)
    assert len(search.limits) == 2


async def test_nobody_is_asked_twice_where_there_is_enough() -> None:
    search = Asked(["terms", "terms", "terms", *OTHERS, "more"])
    assert await _found(search) == ("terms", "terms", "terms", *OTHERS)
    assert search.limits == [6]


async def test_nobody_is_asked_twice_where_there_is_no_more() -> None:
    search = Asked(["terms"] * 5)
    assert await _found(search) == ("terms",) * 5
    assert search.limits == [6]
