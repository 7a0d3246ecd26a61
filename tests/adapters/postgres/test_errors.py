"""The driver's errors in the domain's words."""

import asyncpg
import pytest

from adapters.postgres.errors import DatabaseUnavailable, translated


@pytest.mark.parametrize(
    "lost",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation is in progress"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
    ],
    ids=lambda lost: type(lost).__name__,
)
def test_a_lost_connection_is_a_database_that_does_not_answer(lost: Exception) -> None:
    with pytest.raises(DatabaseUnavailable), translated():
        raise lost
