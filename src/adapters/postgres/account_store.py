"""Accounts in Postgres."""

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.auth.account import Account, EmailTaken, User
from domain.identifiers import UserId
from domain.paging import Page, PageRequest, page_of

_SQL = statements("accounts")


class PostgresAccountStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, user: User, password_hash: str | None) -> None:
        async with self._pool.as_identity() as connection:
            added = await connection.fetchval(
                _SQL["add"],
                user.user_id,
                user.email,
                user.display_name,
                password_hash,
                user.operator,
                user.disabled,
                user.create_time,
            )
        if added is None:
            raise EmailTaken

    async def find(self, email: str) -> Account | None:
        async with self._pool.as_identity() as connection:
            return _account(await connection.fetchrow(_SQL["find"], email))

    async def get(self, user: UserId) -> Account | None:
        async with self._pool.as_identity() as connection:
            return _account(await connection.fetchrow(_SQL["get"], user))

    async def set_password(
        self, user: UserId, password_hash: str | None, *, instead_of: str | None
    ) -> bool:
        async with self._pool.as_identity() as connection:
            changed = await connection.fetchval(
                _SQL["set_password"], user, password_hash, instead_of
            )
        return changed is not None

    async def page(self, page: PageRequest) -> Page[User]:
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["page"], page.after, page.size + 1)
        return page_of([User(**row) for row in rows], page.size, lambda user: user.user_id)


def _account(row: asyncpg.Record | None) -> Account | None:
    if row is None:
        return None
    user = User(
        user_id=row["user_id"],
        email=row["email"],
        display_name=row["display_name"],
        operator=row["operator"],
        disabled=row["disabled"],
        create_time=row["create_time"],
    )
    lately = frozenset(address for address in row["addresses"] if address)
    return Account(user=user, password_hash=row["password_hash"], addresses=lately)
