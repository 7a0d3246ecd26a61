"""A real server process, as a user would start it: `obelisk serve` on embedded parts."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fixtures.entering import ingested, new_space
from fixtures.obelisk_process import EXAMPLES, ObeliskProcess
from obelisk.client import ObeliskClient


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A folder with a space and an umlaut in its path: nothing may trip over it."""
    with tempfile.TemporaryDirectory(prefix="obelisk e2e ü ") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
async def server(data_dir: Path) -> AsyncIterator[ObeliskProcess]:
    process = await ObeliskProcess.serve(data_dir)
    yield process
    assert await process.stop() == 0
    assert not process.left_behind()


@pytest.fixture
async def client(server: ObeliskProcess) -> AsyncIterator[ObeliskClient]:
    """A client of the local user, in a space of its own that is still empty."""
    async with ObeliskClient(server.grpc, token=await server.token()) as obelisk:
        obelisk.space_id = await new_space(obelisk)
        yield obelisk


@pytest.fixture(scope="module")
async def stocked(server: ObeliskProcess) -> AsyncIterator[ObeliskClient]:
    """A client in a space with two of the example documents, for tests that change neither."""
    async with ObeliskClient(server.grpc, token=await server.token()) as obelisk:
        obelisk.space_id = await new_space(obelisk)
        for name in ("newsletters/2026-06.md", "product-sheet.pdf"):
            path = EXAMPLES / name
            await ingested(obelisk, path.name, path.read_bytes())
        yield obelisk
