"""A house of in-memory parts for every use case."""

import pytest_asyncio

from fixtures.house import House, new_house
from fixtures.making import new_home
from fixtures.stores import memory_stores


@pytest_asyncio.fixture
async def house() -> House:
    stores = memory_stores()
    return new_house(stores, await new_home(stores.tenancy))
