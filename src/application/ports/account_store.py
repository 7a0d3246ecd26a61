from typing import Protocol

from domain.auth.account import Account, User
from domain.identifiers import UserId
from domain.paging import Page, PageRequest


class AccountStore(Protocol):
    """People with an account, found by their one email or by their id."""

    async def add(self, user: User, password_hash: str | None) -> None:
        """Keep a new account.

        Raises:
            EmailTaken: another account has the email, or this id is taken.
        """
        ...

    async def find(self, email: str) -> Account | None:
        """The account of a normal email, in one query; None when there is none."""
        ...

    async def get(self, user: UserId) -> Account | None:
        """The account of an id; None when there is none, or it is a service's."""
        ...

    async def set_password(
        self, user: UserId, password_hash: str | None, *, instead_of: str | None
    ) -> bool:
        """Replace the hash, if it is still `instead_of`; whether it was. None is no password."""
        ...

    async def page(self, page: PageRequest) -> Page[User]:
        """All of them, by user id."""
        ...
