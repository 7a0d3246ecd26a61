"""Whoever dies while documents come in: each is READY in the end, once, and whole."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from entrypoints.cli.spaces import organization_named, space_named
from fixtures.obelisk_process import ObeliskProcess
from fixtures.openai_server import FakeOpenAiServer
from fixtures.pdf_files import Area, Mark, Text, pdf
from fixtures.postgres import PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2

CONVERTING = document_pb2.INGEST_STATE_CONVERTING
EMBEDDING = document_pb2.INGEST_STATE_EMBEDDING
READY = document_pb2.INGEST_STATE_READY
_PAGES = 150
_MANY = b"\n\n".join(
    b"## Part %d\n\n" % n + b"Waxed canvas lasts for years. " * 60 for n in range(70)
)
_KEPT = """
select count(*), count(distinct c.ordinal), count(v.chunk_id), count(distinct v.chunk_id)
from obelisk.chunks c left join obelisk.chunk_vectors v using (space_id, chunk_id)
where c.document_id = $1::uuid
"""
Documents = Mapping[str, document_pb2.Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    folder: Path
    settings: dict[str, str]
    dsn: str

    async def serve(self, *, readers: int) -> ObeliskProcess:
        more = self.settings | {"OBELISK_INGESTIONS_AT_ONCE": str(readers)}
        return await ObeliskProcess.serve(self.folder, **more)


@pytest.fixture
async def site(postgres_server: PostgresServer) -> AsyncIterator[Site]:
    model = FakeOpenAiServer(embedding_pause=0.25)
    model.start()
    with tempfile.TemporaryDirectory(prefix="obelisk-survive-") as folder:
        async with postgres_server.database() as database:
            settings = {
                "OBELISK_DATABASE_URL": database.superuser_dsn,
                "OBELISK_APP_DATABASE_URL": database.dsn,
                **model.settings,
            }
            yield Site(folder=Path(folder), settings=settings, dsn=database.superuser_dsn)
    model.stop()


async def test_documents_survive_their_reader_and_two_servers_and_a_watcher_sees_their_pages(
    site: Site,
) -> None:
    here = await site.serve(readers=2)
    token = await here.token()
    files = {f"guide-{n}.md": b"# Guide %d\n\n" % n + _MANY for n in range(3)} | {
        "long.pdf": _long()
    }
    async with ObeliskClient(here.grpc, token=token) as client:
        organization = await organization_named(client, "Larkfell")
        client.space_id = space = (await space_named(client, organization, "Marketing")).space_id
        sent = {name: await client.upload(name, content) for name, content in files.items()}
        await _until_pages_are_told(client, sent["long.pdf"].document_id)
        await _kill_who_reads(here)
        await _until(client, _at_work)
        await here.kill()

    here, there = await asyncio.gather(site.serve(readers=1), site.serve(readers=1))
    async with ObeliskClient(there.grpc, token=token, space_id=space) as client:
        await _until(client, _at_work)
        await here.kill()
        documents = await _until(
            client, lambda found: all(d.state == READY for d in found.values())
        )
    assert await there.stop() == 0

    assert {name: d.content_sha256 for name, d in documents.items()} == {
        name: sha256(content).hexdigest() for name, content in files.items()
    }
    assert documents["long.pdf"].page_count == _PAGES
    await _each_is_whole(site, space, documents)


async def _each_is_whole(site: Site, space: str, documents: Documents) -> None:
    """Passages once, a vector for each, and the bytes that were sent: no more, and no fewer."""
    connection = await asyncpg.connect(site.dsn)
    for document in documents.values():
        assert document.version == 1
        (kept,) = await connection.fetch(_KEPT, document.document_id)
        assert set(kept) == {document.chunk_count}
        assert document.chunk_count > 0
    assert await connection.fetchval("select count(*) from obelisk.documents") == len(documents)
    await connection.close()
    blobs = {path.name: path.read_bytes() for path in (site.folder / "blobs" / space).iterdir()}
    assert {name: sha256(content).hexdigest() for name, content in blobs.items()} == {
        document.document_id: document.content_sha256 for document in documents.values()
    }


async def _until_pages_are_told(client: ObeliskClient, document_id: str) -> None:
    call = client.documents.WatchDocument(
        document_pb2.WatchDocumentRequest(document_id=document_id),
        metadata=client.metadata,
        timeout=60,
    )
    async for told in call:
        if told.document.state == CONVERTING and told.document.stage_total:
            assert 0 < told.document.stage_done < told.document.stage_total == _PAGES
            call.cancel()
            return
    raise AssertionError("nobody said how many pages were read")


def _at_work(documents: Documents) -> bool:
    return {CONVERTING, EMBEDDING} <= {document.state for document in documents.values()}


async def _until(client: ObeliskClient, is_so: Callable[[Documents], bool]) -> Documents:
    request = document_pb2.ListDocumentsRequest(page_size=50)
    async with asyncio.timeout(90):
        while True:
            page = await client.documents.ListDocuments(request, metadata=client.metadata)
            found = {document.filename: document for document in page.documents}
            assert not [d.failure for d in found.values() if d.failure]
            if is_so(found):
                return found
            await asyncio.sleep(0.05)


async def _kill_who_reads(server: ObeliskProcess) -> None:
    killed = 0
    async with asyncio.timeout(20):
        while not killed:
            for pid in _reading(server):
                os.kill(pid, signal.SIGKILL)
                killed += 1
            await asyncio.sleep(0.01)


def _reading(server: ObeliskProcess) -> list[int]:
    """The processes of a server that are reading a file now."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        is_reader = int(parent) == server.process.pid and b"adapters.docling.child" in line
        if is_reader and state == "R":
            found.append(int(entry.name))
    return found


def _long() -> bytes:
    """A PDF that takes some seconds to read, and holds few words."""
    drawing: list[Mark] = [
        Area(60 + 9 * (n % 50), 200 + 9 * (n // 50), 4, 4, "0 0 1 rg") for n in range(500)
    ]
    return pdf(*[[Text(60, 100, f"What page {n} says."), *drawing] for n in range(_PAGES)])
