from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.auth.revocation import AuthorityChange


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityNews:
    """Changes, in no order, and the mark to ask with next time."""

    changes: Sequence[AuthorityChange]
    mark: int


class AuthorityFeed(Protocol):
    """What every process must know of tokens that are still in their time."""

    async def read(self, after: int | None) -> AuthorityNews:
        """Every unexpired change that was not yet committed when the news of mark `after` was read.

        All unexpired ones for None. Changes may come again; none is ever left out, in whatever
        order their transactions began and ended.
        """
        ...

    async def tell(self, change: AuthorityChange) -> None:
        """Keep a change; it is committed when this returns."""
        ...
