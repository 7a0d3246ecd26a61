"""`obelisk users`: accounts, written straight into the database of the settings."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import typer
from rich.table import Column, Table
from rich.text import Text

from adapters.crypto.argon2 import Argon2PasswordHasher
from adapters.local.clock import SystemClock
from adapters.local.entropy import SystemEntropy
from adapters.postgres.account_store import PostgresAccountStore
from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.pool import Pool
from adapters.postgres.session_store import PostgresSessionStore
from application.auth.accounts import NewAccounts
from domain.auth.account import UserNotFound, normal_email
from domain.auth.password import MAX_PASSWORD_BYTES
from domain.errors import FailedPrecondition, InvalidInput
from domain.paging import MAX_PAGE_SIZE, PageRequest
from entrypoints.cli.terminal import console
from entrypoints.settings import Settings
from entrypoints.startup import database


class DatabaseInUse(FailedPrecondition):
    reason = "DATABASE_IN_USE"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    accounts: PostgresAccountStore
    sessions: PostgresSessionStore


async def add(
    settings: Settings, email: str, display_name: str | None, *, operator: bool, from_input: bool
) -> None:
    """Make an account; without a password only an OpenID provider lets its owner in."""
    normal = normal_email(email)
    password = _password_from_input() if from_input else None
    hasher = Argon2PasswordHasher()
    async with _opened(settings) as stores:
        make = NewAccounts(
            accounts=stores.accounts, hasher=hasher, clock=SystemClock(), entropy=SystemEntropy()
        )
        user = await make(
            email=normal,
            display_name=display_name or normal.partition("@")[0],
            password=password,
            operator=operator,
        )
    hasher.close()
    console.print(f"added {normal} ({user.user_id})", soft_wrap=True)


async def show(settings: Settings) -> None:
    """Print a table of all accounts."""
    email = Column("Email", overflow="fold")
    table = Table(Column("User id", no_wrap=True), email, "Name", "", box=None)
    async with _opened(settings) as stores:
        page = PageRequest(size=MAX_PAGE_SIZE)
        while True:
            found = await stores.accounts.page(page)
            for user in found.items:
                marks = [("operator", user.operator), ("disabled", user.disabled)]
                marked = ", ".join(mark for mark, holds in marks if holds)
                name = Text(user.display_name)
                table.add_row(str(user.user_id), Text(user.email or "-"), name, marked)
            if found.next_after is None:
                break
            page = PageRequest(size=MAX_PAGE_SIZE, after=found.next_after)
    console.print(table)


async def disable(settings: Settings, email: str) -> None:
    """End every session and token of an account, and let it sign in no more."""
    normal = normal_email(email)
    async with _opened(settings) as stores:
        account = await stores.accounts.find(normal)
        if account is None:
            raise UserNotFound
        ended = await stores.sessions.revoke_user(
            account.user.user_id, disable=True, now=SystemClock().now()
        )
    console.print(f"disabled {normal}; {ended} open sessions have ended", soft_wrap=True)


def _password_from_input() -> str:
    """The first line of standard input; asked for twice, unseen, when that is a terminal."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.buffer.readline(MAX_PASSWORD_BYTES + 3)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidInput("the password on standard input is not UTF-8") from None


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[_Open]:
    try:
        async with database(settings, lambda _: None) as (_, dsn):
            pool = await Pool.open(dsn, max_size=2, pooler=settings.database_pooler)
            try:
                yield _Open(
                    accounts=PostgresAccountStore(pool), sessions=PostgresSessionStore(pool)
                )
            finally:
                await pool.close()
    except EmbeddedPostgresError as error:
        raise DatabaseInUse(
            f"{error.message}. The embedded database has one owner at a time: run this command "
            "while the server is stopped, or give the server a PostgreSQL of your own"
        ) from error
