"""The stores of processes that share work: those in memory, and those of Postgres."""

import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from fixtures.making import Home, new_home
from fixtures.stores import Stores, memory_stores, postgres_stores


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    pool: Pool = request.getfixturevalue("pool")
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)
