"""A tenant whose every string is a marker is erased; then every store is searched for it.

The tables come from the catalogue, so one that is added later is searched from then on.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import asyncpg
import grpc
import httpx
import pytest
import pytest_asyncio
from docx import Document
from redis.asyncio import Redis

from fixtures.hosted import Hosted, hosted
from fixtures.postgres import Database
from obelisk.client import ObeliskClient
from obelisk.v1 import (
    audit_pb2,
    auth_pb2,
    conversation_pb2,
    document_pb2,
    member_pb2,
    tenancy_pb2,
)

SPACE_MARK, HOME_MARK = "kestrelq7", "wombatz4"
_TABLES = """
    select c.oid::regclass::text as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
      and n.nspname not like 'pg\\_%' order by 1
"""
# Where ids may stay, and nothing else of a tenant.
REMEMBERED = {"obelisk.audit_events", "obelisk.erasure_receipts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    superuser: "asyncpg.Connection[asyncpg.Record]"
    redis: "Redis"
    folder: Path

    async def tables_with(self, *marks: str) -> set[str]:
        """Tables in which any row holds a mark in any column, as text or as bytes."""
        found = set()
        for row in await self.superuser.fetch(_TABLES):
            patterns = [f"%{form}%" for mark in marks for form in (mark, mark.encode().hex())]
            query = f"select exists (select from {row['name']} t where t::text ilike any ($1))"
            if await self.superuser.fetchval(query, patterns):
                found.add(row["name"])
        return found

    async def redis_with(self, *marks: str) -> set[str]:
        """Keys whose name or value holds a mark."""
        found = set()
        async for key in self.redis.scan_iter():
            value = await self.redis.dump(key)
            if holds(bytes(key) + bytes(value or b""), marks):
                found.add(bytes(key).decode())
        return found

    def files_with(self, *marks: str) -> set[str]:
        """Files and folders whose name or content holds a mark."""
        return {
            path.name
            for path in self.folder.rglob("*")
            if holds(str(path).encode(), marks)
            or (path.is_file() and holds(path.read_bytes(), marks))
        }


def holds(content: bytes, marks: Iterable[str]) -> bool:
    return any(mark.encode() in content.lower() for mark in marks)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data and temporary files, side by side."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest_asyncio.fixture
async def host(
    fresh_database: Database, folder: Path, valkey_url: str, redis: Redis
) -> AsyncIterator[Hosted]:
    async with hosted(fresh_database, folder / "data", valkey_url) as server:
        yield server


@pytest_asyncio.fixture
async def stores(fresh_database: Database, folder: Path, redis: Redis) -> AsyncGenerator[Stores]:
    superuser = await asyncpg.connect(fresh_database.superuser_dsn)
    try:
        yield Stores(superuser=superuser, redis=redis, folder=folder)
    finally:
        await superuser.close()


def word_file(mark: str) -> bytes:
    file, word = BytesIO(), Document()
    word.add_heading(f"Guide of {mark}", level=1)
    word.add_paragraph(f"{mark} speaks plainly, and smiles while it smokes herring.")
    word.save(file)
    return file.getvalue()


async def organization(client: ObeliskClient, mark: str) -> str:
    request = tenancy_pb2.CreateOrganizationRequest(display_name=f"{mark} Limited")
    made = await client.tenancy.CreateOrganization(request, metadata=client.metadata)
    return made.organization.organization_id


async def a_space(client: ObeliskClient, home: str, mark: str) -> str:
    request = tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name=f"{mark} space")
    made = await client.tenancy.CreateSpace(request, metadata=client.metadata)
    return made.space.space_id


async def fill(client: ObeliskClient, space: str, mark: str) -> list[str]:
    """Documents of two kinds, settings, and a conversation with a run; the documents' ids."""
    client.space_id = space
    settings = tenancy_pb2.SpaceSettings(
        tone=f"{mark} tone", terms_to_use=[mark], facts={mark: f"{mark} fact"}
    )
    await client.tenancy.UpdateSpaceSettings(
        tenancy_pb2.UpdateSpaceSettingsRequest(settings=settings), metadata=client.metadata
    )
    ids = [
        (await client.upload(f"{mark}.docx", word_file(mark))).document_id,
        (await client.upload(f"{mark}.md", f"# {mark}\n\n{mark} sells bags.".encode())).document_id,
    ]
    for document_id in ids:
        async for document in client.ingestion(document_id):
            last = document
        assert last.state == document_pb2.INGEST_STATE_READY, last.failure
    thread = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title=f"{mark} launch"),
        metadata=client.metadata,
    )
    conversation_id = thread.conversation.conversation_id
    question = f"What does {mark} sell?"
    async for event in client.ask("brand", question, conversation_id=conversation_id):
        last_event = event
    assert last_event.HasField("completed")
    return ids


async def people_of(client: ObeliskClient, home: str, mark: str) -> None:
    """An invitation and a service, named by the mark."""
    await client.members.CreateInvitation(
        member_pb2.CreateInvitationRequest(
            organization_id=home, email=f"{mark}@example.com", role=member_pb2.ROLE_VIEWER
        ),
        metadata=client.metadata,
    )
    await client.members.CreateServiceClient(
        member_pb2.CreateServiceClientRequest(
            organization_id=home, display_name=f"{mark} service", role=member_pb2.ROLE_EDITOR
        ),
        metadata=client.metadata,
    )


async def bound_session(host: Hosted, email: str, home: str) -> str:
    """A session of the same person whose tokens are bound to the organization."""
    async with ObeliskClient(host.addresses.grpc, token="") as nobody:
        answer = await nobody.auth.SignIn(
            auth_pb2.SignInRequest(
                email=email, password="correct horse battery staple", organization_id=home
            )
        )
    return answer.tokens.access_token


async def test_an_erased_tenant_is_in_no_store(host: Hosted, stores: Stores) -> None:
    await host.person("ada@people.example")
    async with host.client("ada@people.example") as ada:
        home = await organization(ada, HOME_MARK)
        first = await a_space(ada, home, SPACE_MARK)
        second = await a_space(ada, home, HOME_MARK)
        await people_of(ada, home, HOME_MARK)
        host.model.say(f"{HOME_MARK} sells bags.")
        documents = await fill(ada, second, HOME_MARK)
        host.model.say(f"{SPACE_MARK} sells bags.")
        documents_of_first = await fill(ada, first, SPACE_MARK)
        bound = await bound_session(host, "ada@people.example", home)
        await before(stores, first, home)

        # One run is at work and watched, and ends with its space.
        host.model.free.clear()
        watching = asyncio.ensure_future(watched(ada, SPACE_MARK))
        await until_at_work(ada)
        assert "obelisk.run_journal" in await stores.tables_with(first)
        receipt = await delete_space(ada)
        assert await asyncio.wait_for(watching, 3) is grpc.StatusCode.NOT_FOUND
        host.model.free.set()
        assert receipt.space_id == first
        assert receipt.HasField("finish_time")
        assert dict(receipt.counts) | {"cache_entries": 0, "run_events": 0, "messages": 0} == {
            "spaces": 1,
            "space_members": 1,
            "settings_versions": 1,
            "documents": 2,
            "chunks": receipt.counts["chunks"],
            "vectors": receipt.counts["chunks"],
            "conversations": 1,
            "messages": 0,
            "runs": 2,
            "run_events": 0,
            "run_journal": receipt.counts["run_journal"],
            "jobs": 1,
            "blobs": 2,
            "cache_entries": 0,
        }
        await gone(stores, [SPACE_MARK], [first, *documents_of_first])
        assert await stores.tables_with(HOME_MARK) >= {"obelisk.documents", "obelisk.chunks"}

        erased = await delete_organization(ada, home)
        assert erased.HasField("finish_time")
        assert erased.counts["sessions"] == 1
        await gone(stores, [SPACE_MARK, HOME_MARK], [first, second, home, *documents])
        assert list(stores.folder.glob("data/blobs/*")) == []

        await receipts_stay(ada, receipt, erased)
        assert await answer_to(host, bound) is grpc.StatusCode.UNAUTHENTICATED
        assert await accounts_left(stores) == ["ada@people.example"]


async def before(stores: Stores, space: str, home: str) -> None:
    """The search finds what there is, in each kind of store."""
    assert await stores.tables_with(SPACE_MARK, HOME_MARK) >= {
        f"obelisk.{table}"
        for table in (
            *("organizations", "spaces", "space_settings", "documents", "chunks", "messages"),
            *("conversations", "runs", "run_events", "invitations", "service_clients"),
        )
    }
    assert "obelisk.chunk_vectors" in await stores.tables_with(space)
    assert stores.files_with(SPACE_MARK)
    assert stores.files_with(space)
    assert await stores.redis_with(space)


async def gone(stores: Stores, marks: list[str], ids: list[str]) -> None:
    assert await stores.tables_with(*marks) == set()
    assert stores.files_with(*marks) == set()
    assert await stores.redis_with(*marks) == set()
    assert await stores.tables_with(*ids) <= REMEMBERED
    assert stores.files_with(*ids) == set()
    assert await stores.redis_with(*ids) == set()


async def watched(client: ObeliskClient, mark: str) -> grpc.StatusCode | None:
    """Ask, and watch; how the stream ended."""
    try:
        async for _ in client.ask("brand", f"What else does {mark} sell?"):
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return None


async def until_at_work(client: ObeliskClient) -> None:
    request = tenancy_pb2.GetSpaceSettingsRequest()
    await client.tenancy.GetSpaceSettings(request, metadata=client.metadata)
    await asyncio.sleep(0.5)


async def delete_space(client: ObeliskClient) -> tenancy_pb2.ErasureReceipt:
    answer = await client.tenancy.DeleteSpace(
        tenancy_pb2.DeleteSpaceRequest(), metadata=client.metadata
    )
    client.space_id = None
    return answer.receipt


async def delete_organization(client: ObeliskClient, home: str) -> tenancy_pb2.ErasureReceipt:
    answer = await client.tenancy.DeleteOrganization(
        tenancy_pb2.DeleteOrganizationRequest(organization_id=home), metadata=client.metadata
    )
    return answer.receipt


async def receipts_stay(client: ObeliskClient, *receipts: tenancy_pb2.ErasureReceipt) -> None:
    for receipt in receipts:
        kept = await client.tenancy.GetErasureReceipt(
            tenancy_pb2.GetErasureReceiptRequest(receipt_id=receipt.receipt_id),
            metadata=client.metadata,
        )
        assert kept.receipt == receipt


async def answer_to(host: Hosted, token: str) -> grpc.StatusCode:
    """What somebody with this token gets."""
    async with ObeliskClient(host.addresses.grpc, token=token) as client:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await client.tenancy.ListOrganizations(
                tenancy_pb2.ListOrganizationsRequest(), metadata=client.metadata
            )
    code = refused.value.code()
    assert isinstance(code, grpc.StatusCode)
    return code


async def accounts_left(stores: Stores) -> list[str]:
    rows = await stores.superuser.fetch("select email from obelisk.users where email is not null")
    return [row["email"] for row in rows]


async def test_the_log_of_an_organization_says_what_was_done_in_it(host: Hosted) -> None:
    await host.person("ada@people.example")
    async with host.client("ada@people.example") as ada:
        home = await organization(ada, HOME_MARK)
        space = await a_space(ada, home, SPACE_MARK)
        ada.space_id = space
        await ada.upload("guide.md", b"# Guide\n\nSpeak plainly.")
        with pytest.raises(grpc.aio.AioRpcError):
            await ada.members.SetSpaceMember(
                member_pb2.SetSpaceMemberRequest(user_id=home, role=member_pb2.ROLE_VIEWER),
                metadata=ada.metadata,
            )
        await delete_space(ada)
        listed = await ada.audit.ListAuditEvents(
            audit_pb2.ListAuditEventsRequest(organization_id=home), metadata=ada.metadata
        )
    acts = [(event.action.rpartition("/")[2], event.outcome) for event in listed.events]
    assert acts[0] == ("DeleteSpace", "OK")
    assert acts[1][0] == "SetSpaceMember"
    assert acts[1][1] not in ("", "OK")
    assert acts[2:] == [
        ("UploadDocument", "OK"),
        ("CreateSpace", "OK"),
        ("CreateOrganization", "OK"),
    ]
    assert {event.address for event in listed.events} == {"127.0.0.1"}
    assert listed.events[0].objects["space_id"] == space
    assert listed.events[2].space_id == space


async def test_a_caller_at_this_machine_cannot_look_like_another(host: Hosted) -> None:
    """The web server's own reading of X-Forwarded-For would believe anybody here."""
    await host.person("ada@people.example")
    async with host.client("ada@people.example") as ada:
        headers = {**dict(ada.metadata), "x-forwarded-for": "198.51.100.9"}
        async with httpx.AsyncClient(base_url=host.addresses.rest, trust_env=False) as web:
            body = {"displayName": "Larkfell"}
            made = await web.post("/v1/organizations", json=body, headers=headers)
        home = made.json()["organization"]["organizationId"]
        listed = await ada.audit.ListAuditEvents(
            audit_pb2.ListAuditEventsRequest(organization_id=home), metadata=ada.metadata
        )
    assert [event.address for event in listed.events] == ["127.0.0.1"]
