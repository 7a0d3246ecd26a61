"""Two processes on one database: what one has revoked or changed holds at the other at once."""

import asyncio
import base64
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import httpx
import pytest
import pytest_asyncio

from fixtures.making import new_id
from fixtures.obelisk_process import ObeliskProcess
from fixtures.openai_server import FakeOpenAiServer
from fixtures.postgres import PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import auth_pb2, conversation_pb2, member_pb2, run_pb2, tenancy_pb2

PASSWORD = "plum velvet orbit"
TWO_SECONDS = 2.0
REVOKED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
OK, NOT_FOUND = grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two processes, and the local operator's organization with one space."""

    here: ObeliskProcess
    there: ObeliskProcess
    operator: ObeliskClient
    organization: str
    space: str


@dataclass(slots=True, kw_only=True)
class Person:
    """A member who is known by their tokens at both processes."""

    user_id: str
    tokens: auth_pb2.TokenSet
    here: ObeliskClient
    there: ObeliskClient


@asynccontextmanager
async def _slow_model() -> AsyncIterator[FakeOpenAiServer]:
    """A model that writes for minutes, so that a run's stream stays open."""
    model = FakeOpenAiServer(context_words=100_000, word_pause=0.3)
    model.start()
    try:
        yield model
    finally:
        model.stop()


@pytest_asyncio.fixture(scope="module")
async def pair(postgres_server: PostgresServer) -> AsyncIterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="obelisk-two-") as folder:
        async with postgres_server.database() as database, _slow_model() as model:
            settings = {
                "OBELISK_DATABASE_URL": database.superuser_dsn,
                "OBELISK_APP_DATABASE_URL": database.dsn,
                **model.settings,
                "OBELISK_INGESTIONS_AT_ONCE": "1",
            }
            # One after the other: the second finds the keys and the secret that the first has made.
            here = await ObeliskProcess.serve(Path(folder), **settings)
            there = await ObeliskProcess.serve(Path(folder), **settings)
            async with ObeliskClient(here.grpc, token=await here.token()) as operator:
                yield await _furnished(here, there, operator)
            assert [await there.stop(), await here.stop()] == [0, 0]
            assert not here.left_behind()


async def _furnished(here: ObeliskProcess, there: ObeliskProcess, operator: ObeliskClient) -> Pair:
    organization = await operator.tenancy.CreateOrganization(
        tenancy_pb2.CreateOrganizationRequest(display_name="Larkfell"), metadata=operator.metadata
    )
    home = organization.organization.organization_id
    space = await operator.tenancy.CreateSpace(
        tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name="Brand"),
        metadata=operator.metadata,
    )
    operator.space_id = space.space.space_id
    return Pair(
        here=here, there=there, operator=operator, organization=home, space=space.space.space_id
    )


@pytest_asyncio.fixture
async def person(pair: Pair) -> AsyncIterator[Person]:
    """An editor of the space, who joined at the one process."""
    invited = await pair.operator.members.CreateInvitation(
        member_pb2.CreateInvitationRequest(
            organization_id=pair.organization,
            email=f"{new_id()}@example.com",
            role=member_pb2.ROLE_VIEWER,
            space_roles=[
                member_pb2.SpaceRole(space_id=pair.space, role=member_pb2.ROLE_EDITOR),
            ],
        ),
        metadata=pair.operator.metadata,
    )
    async with ObeliskClient(pair.here.grpc, token="") as nobody:
        joined = await nobody.auth.AcceptInvitation(
            auth_pb2.AcceptInvitationRequest(
                invitation_token=invited.invitation_token, password=PASSWORD, display_name="Ada"
            )
        )
    async with _known(pair, joined.tokens) as person:
        yield person


@asynccontextmanager
async def _known(pair: Pair, tokens: auth_pb2.TokenSet) -> AsyncIterator[Person]:
    token, space = tokens.access_token, pair.space
    async with (
        ObeliskClient(pair.here.grpc, token=token, space_id=space) as here,
        ObeliskClient(pair.there.grpc, token=token, space_id=space) as there,
    ):
        me = await there.auth.GetCurrentUser(
            auth_pb2.GetCurrentUserRequest(), metadata=there.metadata
        )
        yield Person(user_id=me.user.user_id, tokens=tokens, here=here, there=there)


async def _refreshed(client: ObeliskClient, tokens: auth_pb2.TokenSet) -> auth_pb2.TokenSet:
    answer = await client.auth.RefreshTokens(
        auth_pb2.RefreshTokensRequest(refresh_token=tokens.refresh_token)
    )
    return answer.tokens


async def _code(call: Awaitable[object]) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return OK


async def _reads(client: ObeliskClient) -> grpc.StatusCode:
    request = conversation_pb2.ListConversationsRequest()
    return await _code(client.conversations.ListConversations(request, metadata=client.metadata))


async def _writes(client: ObeliskClient) -> grpc.StatusCode:
    request = conversation_pb2.CreateConversationRequest(title="Launch")
    return await _code(client.conversations.CreateConversation(request, metadata=client.metadata))


async def _permissions(client: ObeliskClient) -> list[str]:
    request = auth_pb2.GetCurrentUserRequest()
    return [*(await client.auth.GetCurrentUser(request, metadata=client.metadata)).permissions]


Ending = Callable[[Pair, Person], Awaitable[object]]


async def _sign_out(pair: Pair, person: Person) -> None:
    await person.here.auth.SignOut(auth_pb2.SignOutRequest(), metadata=person.here.metadata)


async def _sign_out_everywhere(pair: Pair, person: Person) -> None:
    request = auth_pb2.SignOutEverywhereRequest()
    await person.here.auth.SignOutEverywhere(request, metadata=person.here.metadata)


async def _revoke_session(pair: Pair, person: Person) -> None:
    request = auth_pb2.RevokeSessionRequest(session_id=person.tokens.session_id)
    await person.here.auth.RevokeSession(request, metadata=person.here.metadata)


async def _revoke_user(pair: Pair, person: Person) -> None:
    request = auth_pb2.RevokeUserRequest(user_id=person.user_id)
    await pair.operator.auth.RevokeUser(request, metadata=pair.operator.metadata)


async def _use_a_refresh_token_twice(pair: Pair, person: Person) -> None:
    await _refreshed(person.here, person.tokens)
    assert await _code(_refreshed(person.here, person.tokens)) is REVOKED


ENDINGS = [
    _sign_out,
    _sign_out_everywhere,
    _revoke_session,
    _revoke_user,
    _use_a_refresh_token_twice,
]


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__.strip("_"))
async def test_a_revocation_holds_at_the_other_process_with_the_next_request(
    pair: Pair, person: Person, end: Ending
) -> None:
    assert [await _reads(person.here), await _reads(person.there)] == [OK, OK]
    await end(pair, person)
    assert [await _reads(person.there), await _reads(person.here)] == [REVOKED, REVOKED]
    assert await _code(_refreshed(person.there, person.tokens)) is REVOKED


async def test_a_refresh_token_works_once_whichever_process_is_asked(
    pair: Pair, person: Person
) -> None:
    renewed = await _refreshed(person.there, person.tokens)
    async with _known(pair, renewed) as later:
        assert [await _reads(later.here), await _reads(later.there)] == [OK, OK]
        assert await _code(_refreshed(person.here, person.tokens)) is REVOKED
        assert [await _reads(later.here), await _reads(later.there)] == [REVOKED, REVOKED]


async def test_one_token_is_revoked_and_its_session_goes_on(pair: Pair, person: Person) -> None:
    renewed = await _refreshed(person.there, person.tokens)
    async with _known(pair, renewed) as later:
        await later.here.auth.RevokeToken(
            auth_pb2.RevokeTokenRequest(token_id=_token_id(person.tokens.access_token)),
            metadata=later.here.metadata,
        )
        assert await _reads(person.there) is REVOKED
        assert await _reads(later.there) is OK


async def test_a_membership_change_holds_at_the_other_process_with_the_next_request(
    pair: Pair, person: Person
) -> None:
    members, metadata = pair.operator.members, pair.operator.metadata

    async def give(role: member_pb2.Role.ValueType) -> None:
        request = member_pb2.SetSpaceMemberRequest(user_id=person.user_id, role=role)
        await members.SetSpaceMember(request, metadata=metadata)

    assert await _permissions(person.there) == ["read_organization"]
    promotion = member_pb2.SetMemberRequest(
        organization_id=pair.organization, user_id=person.user_id, role=member_pb2.ROLE_ADMIN
    )
    await members.SetMember(promotion, metadata=metadata)
    assert "manage_members" in await _permissions(person.there)
    promotion.role = member_pb2.ROLE_VIEWER
    await members.SetMember(promotion, metadata=metadata)
    for _ in range(3):
        await give(member_pb2.ROLE_VIEWER)
        assert [await _writes(person.there), await _reads(person.there)] == [DENIED, OK]
        await give(member_pb2.ROLE_EDITOR)
        assert await _writes(person.there) is OK
    await members.RemoveSpaceMember(
        member_pb2.RemoveSpaceMemberRequest(user_id=person.user_id), metadata=metadata
    )
    assert await _reads(person.there) is NOT_FOUND
    await give(member_pb2.ROLE_VIEWER)
    assert await _reads(person.there) is OK
    removal = member_pb2.RemoveMemberRequest(
        organization_id=pair.organization, user_id=person.user_id
    )
    await members.RemoveMember(removal, metadata=metadata)
    assert [await _reads(person.there), await _reads(person.here)] == [NOT_FOUND, NOT_FOUND]


async def test_a_disabled_user_cannot_come_back(pair: Pair, person: Person) -> None:
    email = await _email(pair, person.user_id)
    sign_in = auth_pb2.SignInRequest(email=email, password=PASSWORD)
    assert await _code(person.there.auth.SignIn(sign_in)) is OK
    request = auth_pb2.RevokeUserRequest(user_id=person.user_id, disable=True)
    await pair.operator.auth.RevokeUser(request, metadata=pair.operator.metadata)
    assert await _code(person.there.auth.SignIn(sign_in)) is REVOKED


async def test_an_open_stream_ends_within_two_seconds_of_its_sessions_revocation(
    pair: Pair, person: Person
) -> None:
    async with _watching(person.there) as stream:
        began = time.monotonic()
        await _revoke_session(pair, person)
        error = await _ended(stream)
        assert time.monotonic() - began < TWO_SECONDS
    assert error.code() is REVOKED
    assert "session has been ended" in (error.details() or "")


async def test_an_open_stream_ends_within_two_seconds_of_its_member_leaving(
    pair: Pair, person: Person
) -> None:
    async with _watching(person.there) as stream:
        began = time.monotonic()
        await pair.operator.members.RemoveSpaceMember(
            member_pb2.RemoveSpaceMemberRequest(user_id=person.user_id),
            metadata=pair.operator.metadata,
        )
        error = await _ended(stream)
        assert time.monotonic() - began < TWO_SECONDS
    assert error.code() is NOT_FOUND


async def test_server_sent_events_end_with_the_revocation_as_their_last(
    pair: Pair, person: Person
) -> None:
    run_id = await _running(person.there)
    headers = dict(person.there.metadata)
    async with (
        httpx.AsyncClient(base_url=pair.there.rest, headers=headers, timeout=30) as web,
        web.stream("GET", f"/v1/runs/{run_id}:watch") as response,
    ):
        assert response.status_code == 200
        lines = response.aiter_lines()
        assert await anext(lines) == "id: 1"
        began = time.monotonic()
        await _revoke_session(pair, person)
        rest = [line async for line in lines if line]
        assert time.monotonic() - began < TWO_SECONDS
    assert rest[-2] == "event: error"
    error = json.loads(rest[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
    assert error["details"][0]["reason"] == "SESSION_ENDED"


async def _running(client: ObeliskClient) -> str:
    """A run whose model is still writing."""
    request = run_pb2.StartRunRequest(agent="brand", question="Say hello, at length.")
    call = client.runs.StartRun(request, metadata=client.metadata)
    async for answer in call:
        run_id = answer.event.queued.run_id
        break
    call.cancel()
    return run_id


Watch: TypeAlias = "grpc.aio.UnaryStreamCall[run_pb2.WatchRunRequest, run_pb2.WatchRunResponse]"


@asynccontextmanager
async def _watching(client: ObeliskClient) -> AsyncIterator[Watch]:
    """An open stream of a run, whose first event has come."""
    request = run_pb2.WatchRunRequest(run_id=await _running(client))
    call = client.runs.WatchRun(request, metadata=client.metadata)
    assert isinstance(await call.read(), run_pb2.WatchRunResponse)
    yield call
    call.cancel()


async def _ended(stream: Watch) -> grpc.aio.AioRpcError:
    """What ends the stream."""
    try:
        async with asyncio.timeout(30):
            while isinstance(await stream.read(), run_pb2.WatchRunResponse):
                pass
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError("the stream ended as if nothing had happened")


def _token_id(token: str) -> str:
    """The `jti`, as its holder reads it."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "==="))["jti"])


async def _email(pair: Pair, user_id: str) -> str:
    listed = await pair.operator.members.ListMembers(
        member_pb2.ListMembersRequest(organization_id=pair.organization, page_size=100),
        metadata=pair.operator.metadata,
    )
    return next(member.email for member in listed.members if member.user_id == user_id)
