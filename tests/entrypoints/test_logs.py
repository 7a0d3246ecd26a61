"""No line of the log carries what belongs to a tenant or lets anybody in, not even at DEBUG."""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.postgres.pool import Pool
from domain.auth.account import User
from entrypoints.relay import Origin
from fixtures.hosted import PASSWORD, Hosted, hosted
from fixtures.making import NOON, new_id
from fixtures.postgres import Database
from fixtures.stores import postgres_stores
from obelisk.client import ObeliskClient
from obelisk.v1 import auth_pb2, conversation_pb2, document_pb2, member_pb2, tenancy_pb2

MARK = "kestrelq7"
EMAIL = f"{MARK}@people.example"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says, with its tracebacks, as a handler would write it."""
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.setLevel(before)
    root.removeHandler(handler)


@pytest_asyncio.fixture
async def host(
    fresh_database: Database, tmp_path: Path, valkey_url: str, redis: Redis, log: io.StringIO
) -> AsyncIterator[Hosted]:
    async with hosted(fresh_database, tmp_path, valkey_url, f"{MARK} sells bags.") as server:
        yield server


async def sign_in(host: Hosted, password: str) -> str:
    async with ObeliskClient(host.addresses.grpc, token="") as nobody:
        answer = await nobody.auth.SignIn(auth_pb2.SignInRequest(email=EMAIL, password=password))
    return answer.tokens.access_token + " " + answer.tokens.refresh_token


async def invite(client: ObeliskClient, home: str) -> tuple[str, str]:
    """An invitation and a service; their secrets."""
    invited = await client.members.CreateInvitation(
        member_pb2.CreateInvitationRequest(
            organization_id=home, email=f"guest-{MARK}@example.com", role=member_pb2.ROLE_VIEWER
        ),
        metadata=client.metadata,
    )
    served = await client.members.CreateServiceClient(
        member_pb2.CreateServiceClientRequest(
            organization_id=home, display_name=f"{MARK} service", role=member_pb2.ROLE_EDITOR
        ),
        metadata=client.metadata,
    )
    return invited.invitation_token, served.client_secret


async def work(client: ObeliskClient) -> None:
    """Fill a space, fail to, and erase it."""
    thread = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title=f"{MARK} launch"),
        metadata=client.metadata,
    )
    for name, content in (
        (f"{MARK}.md", f"# {MARK}\n\nBags."),
        (f"{MARK}.pdf", f"%PDF-1.7 {MARK}"),
    ):
        document_id = (await client.upload(name, content.encode())).document_id
        async for document in client.ingestion(document_id):
            state = document.state
        assert state is not document_pb2.INGEST_STATE_PENDING
    question = f"What does {MARK} sell?"
    thread_id = thread.conversation.conversation_id
    async for _ in client.ask("brand", question, conversation_id=thread_id):
        pass
    with suppress(grpc.aio.AioRpcError):
        async for _ in client.ask(f"no agent {MARK}", question):
            pass
    with suppress(grpc.aio.AioRpcError):
        await client.upload(f"{MARK}.exe", b"MZ")
    await client.tenancy.DeleteSpace(tenancy_pb2.DeleteSpaceRequest(), metadata=client.metadata)


async def over_rest(host: Hosted, token: str) -> None:
    async with httpx.AsyncClient(base_url=host.addresses.rest, trust_env=False) as web:
        await web.post("/v1/auth:signIn", json={"email": EMAIL, "password": f"wrong {MARK}"})
        headers = {"authorization": f"Bearer {token}", "x-space-id": MARK}
        await web.get("/v1/documents", headers=headers)
        await web.get(f"/v1/{MARK}", headers=headers)


async def test_flows_leave_nothing_of_theirs_in_the_log(host: Hosted, log: io.StringIO) -> None:
    await host.person(EMAIL, f"{MARK} Lovelace")
    with suppress(grpc.aio.AioRpcError):
        await sign_in(host, f"wrong {MARK}")
    access, _, refresh = (await sign_in(host, PASSWORD)).partition(" ")
    async with ObeliskClient(host.addresses.grpc, token=access) as client:
        made = await client.tenancy.CreateOrganization(
            tenancy_pb2.CreateOrganizationRequest(display_name=f"{MARK} Limited"),
            metadata=client.metadata,
        )
        home = made.organization.organization_id
        space = await client.tenancy.CreateSpace(
            tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name=f"{MARK} space"),
            metadata=client.metadata,
        )
        client.space_id = space.space.space_id
        secrets = await invite(client, home)
        await work(client)
    await over_rest(host, access)
    said = "\n".join(line for line in log.getvalue().lower().splitlines() if not own(line))
    assert said
    proof = host.container.relay().metadata(Origin(address="", user_agent=""))[0][1]
    local = host.settings.local_secret_file.read_text()
    for secret in (
        proof,
        local.strip(),
        MARK,
        PASSWORD,
        access,
        access.split(".")[2],
        refresh,
        *secrets,
    ):
        assert secret.lower() not in said, where(said, secret.lower())


def own(line: str) -> bool:
    """Said by this test's own HTTP client, whose addresses are its own."""
    return line.startswith(("httpx ", "httpcore"))


def where(said: str, secret: str) -> list[str]:
    return [line[:400] for line in said.splitlines() if secret in line]


async def test_an_error_of_the_database_says_nothing_of_the_rows_it_was_about(pool: Pool) -> None:
    """An error nobody foresaw goes into the log with its text."""
    stores = postgres_stores(pool)
    user = User(user_id=new_id(), email=EMAIL, display_name=MARK, create_time=NOON)  # type: ignore[arg-type]  # any id
    await stores.accounts.add(user, None)
    with pytest.raises(Exception) as unforeseen:
        async with pool.as_identity() as connection:
            await connection.execute(
                "insert into obelisk.users (user_id, email, display_name, create_time)"
                " values (gen_random_uuid(), $1, $1, now())",
                EMAIL,
            )
    assert MARK not in str(unforeseen.value)
    with pytest.raises(Exception) as misfit:
        async with pool.as_identity() as connection:
            await connection.execute("select $1::int", MARK)
    assert MARK not in str(misfit.value)
