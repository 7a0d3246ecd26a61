"""Accounts in memory."""

from adapters.memory.pages import oldest_first
from adapters.memory.people import MemoryPeople
from domain.auth.account import Account, EmailTaken, User
from domain.identifiers import UserId
from domain.paging import Page, PageRequest


class MemoryAccountStore:
    def __init__(self, people: MemoryPeople) -> None:
        self._people = people
        self._passwords: dict[UserId, str | None] = {}

    async def add(self, user: User, password_hash: str | None) -> None:
        emails = {one.email for one in self._people.users.values()} - {None}
        if user.user_id in self._people.users or user.email in emails:
            raise EmailTaken
        self._people.users[user.user_id] = user
        self._passwords[user.user_id] = password_hash

    async def find(self, email: str) -> Account | None:
        return next(
            (self._account(u) for u in self._people.users.values() if u.email == email), None
        )

    async def get(self, user: UserId) -> Account | None:
        found = self._people.users.get(user)
        return self._account(found) if found is not None else None

    async def set_password(
        self, user: UserId, password_hash: str | None, *, instead_of: str | None
    ) -> bool:
        if user not in self._people.users or self._passwords.get(user) != instead_of:
            return False
        self._passwords[user] = password_hash
        return True

    async def page(self, page: PageRequest) -> Page[User]:
        return oldest_first(self._people.users.values(), page, lambda user: user.user_id)

    def _account(self, user: User) -> Account:
        return Account(
            user=user,
            password_hash=self._passwords.get(user.user_id),
            addresses=frozenset(self._people.addresses.get(user.user_id, ())) - {""},
        )
