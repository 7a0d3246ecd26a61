"""A gate over stores in memory."""

from collections.abc import AsyncIterator

import pytest_asyncio

from fixtures.identity import Gate, new_gate


@pytest_asyncio.fixture
async def gate() -> AsyncIterator[Gate]:
    async with new_gate() as gate:
        yield gate
