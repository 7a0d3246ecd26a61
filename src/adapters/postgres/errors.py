"""Driver errors into the domain's kinds: one table, used by every repository through the pool."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from domain.errors import Conflict, FailedPrecondition, InvalidInput, ObeliskError, Unavailable
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound


class DatabaseUnavailable(Unavailable):
    reason = "DATABASE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the database does not answer; try again")


class DatabaseRefused(FailedPrecondition):
    """For the operator alone: it carries the server's own words."""

    reason = "DATABASE_REFUSED"

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the database refuses: {error}")


# What the driver raises of a connection that is lost; the last one when it was lost in mid-answer.
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@contextmanager
def refusals_explained() -> Iterator[None]:
    """Raise DatabaseRefused where the address, the login or its rights are wrong."""
    try:
        yield
    except ValueError as error:  # what asyncpg raises for an address that it cannot read
        raise DatabaseRefused(error) from error
    except asyncpg.PostgresError as error:
        if (error.sqlstate or "").startswith(("28", "3D", "42501")):
            raise DatabaseRefused(error) from error
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Raise the domain's error for the driver's; unforeseen ones pass, without anybody's data."""
    try:
        yield
    except asyncpg.PostgresError as error:
        known = _of_state(error)
        _without_data(error)
        if known is None:
            raise
        raise known from error
    except _LOST as error:
        raise DatabaseUnavailable from error


def _of_state(error: asyncpg.PostgresError) -> ObeliskError | None:
    state = error.sqlstate or ""
    if state.startswith(("08", "57P", "53")):
        return DatabaseUnavailable()
    if state == "23503":
        return _gone(error)
    if state in ("40001", "40P01"):
        return Conflict("somebody else changed it at the same time; try again")
    if state == "22021":
        return InvalidInput("the text holds characters that cannot be kept (NUL)")
    return None


def _without_data(error: asyncpg.PostgresError) -> None:
    """An error that nobody foresaw ends in the log, and its details quote rows and values."""
    error.detail = error.hint = error.context = None
    if isinstance(error, asyncpg.DataError):
        error.args = ("a value does not fit its type",)


def _gone(error: asyncpg.PostgresError) -> ObeliskError | None:
    """A row that would hang on a tenant which was erased a moment ago."""
    table, constraint = getattr(error, "table_name", ""), getattr(error, "constraint_name", "")
    if constraint == f"{table}_space_id_fkey":
        return SpaceNotFound()
    if constraint == f"{table}_organization_id_fkey":
        return OrganizationNotFound()
    return None
