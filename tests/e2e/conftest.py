"""A real server process, as a user would start it: `obelisk serve` on embedded parts."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fixtures.obelisk_process import EXAMPLES, ObeliskProcess
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2, tenancy_pb2


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
        created = await obelisk.tenancy.CreateOrganization(
            tenancy_pb2.CreateOrganizationRequest(display_name="Larkfell"),
            metadata=obelisk.metadata,
        )
        home = created.organization.organization_id
        space = await obelisk.tenancy.CreateSpace(
            tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name="Marketing"),
            metadata=obelisk.metadata,
        )
        obelisk.space_id = space.space.space_id
        yield obelisk


@pytest.fixture
async def stocked(client: ObeliskClient) -> ObeliskClient:
    """The same, with two of the example documents ready."""
    for name in ("newsletters/2026-06.md", "product-sheet.pdf"):
        path = EXAMPLES / name
        sent = await client.upload(path.name, path.read_bytes())
        async for document in client.ingestion(sent.document_id):
            last = document
        assert last.state == document_pb2.INGEST_STATE_READY, last.failure
    return client
