"""The stores, by kind: each test of a contract runs on every kind."""

import pytest
import pytest_asyncio

from fixtures.making import Home, new_home
from fixtures.stores import Stores, memory_stores, postgres_stores


@pytest.fixture(params=["memory", "postgres", pytest.param("pooler", marks=pytest.mark.pooler)])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    name = {"postgres": "pool", "pooler": "pooled"}[request.param]
    return postgres_stores(request.getfixturevalue(name))


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


@pytest_asyncio.fixture
async def away(stores: Stores) -> Home:
    """Another organization's space, in the same store."""
    return await new_home(stores.tenancy)
