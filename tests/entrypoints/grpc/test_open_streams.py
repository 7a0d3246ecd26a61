"""Streams end when what let them in counts no more: over a real gRPC server and client."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import grpc
import pytest
import pytest_asyncio

from domain.auth.revocation import session_revoked, token_revoked, user_revoked
from domain.identifiers import SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from fixtures.identity import CALLER, LIFE, WatchedTenancy, new_gate
from fixtures.people import joined_space
from fixtures.streaming import SKEW, SOON, Line, Runs, how_it_ends, member, served
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    async with new_gate(poll_seconds=0.02) as gate, served(gate, Runs()) as line:
        yield line


@pytest.mark.parametrize("what", ["token", "session", "user"])
async def test_a_revocation_ends_a_silent_stream(line: Line, what: str) -> None:
    tokens = await member(line)
    call = await line.open(tokens)
    gate = line.gate
    later = gate.clock.now() + timedelta(seconds=1)
    claims = gate.signer.verify(tokens.access_token)
    await gate.feed.tell(
        {
            "token": token_revoked(tokens.user_id, claims.token_id, later),
            "session": session_revoked(tokens.session_id, later),
            "user": user_revoked(tokens.user_id, later),
        }[what]
    )
    assert await how_it_ends(call) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED")
    await asyncio.wait_for(line.runs.left.wait(), SOON)


async def test_only_the_streams_of_the_session_end(line: Line) -> None:
    first, second = await member(line), await member(line)
    ending, going_on = await line.open(first), await line.open(second)
    await line.gate.feed.tell(session_revoked(first.session_id, line.gate.clock.now()))
    assert (await how_it_ends(ending))[0] is grpc.StatusCode.UNAUTHENTICATED
    await asyncio.sleep(0.6)
    assert not going_on.done()
    going_on.cancel()


async def test_a_stream_ends_with_its_tokens_time(line: Line) -> None:
    call = await line.open(await member(line))
    line.gate.clock.advance((LIFE + SKEW - timedelta(seconds=5)).total_seconds())
    await asyncio.sleep(0.6)
    assert not call.done()
    line.gate.clock.advance(5)
    assert await how_it_ends(call) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


@pytest.mark.parametrize("bound", [True, False])
async def test_who_loses_the_space_loses_the_stream(line: Line, bound: bool) -> None:
    gate = line.gate
    tokens = await member(line)
    if not bound:
        tokens = await gate.sessions.open(
            user=tokens.user_id, organization=None, caller=CALLER, bound=False
        )
    call = await line.open(tokens)
    await gate.stores.members.change(gate.home.organization, gate.home.owner, tokens.user_id, None)
    assert await how_it_ends(call) == (grpc.StatusCode.NOT_FOUND, "SPACE_NOT_FOUND")


async def test_who_loses_the_space_cannot_go_on_sending_a_document_into_it(line: Line) -> None:
    gate, tokens = line.gate, await member(line)

    async def slowly() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
        yield document_pb2.UploadDocumentRequest(content=b"piece by piece")
        await asyncio.sleep(60)

    call = line.documents.UploadDocument(slowly(), metadata=line.headers(tokens), timeout=60)
    await asyncio.wait_for(line.runs.received.wait(), SOON)
    await gate.stores.members.change(gate.home.organization, gate.home.owner, tokens.user_id, None)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await asyncio.wait_for(call, SOON)
    assert ended.value.code() is grpc.StatusCode.NOT_FOUND
    await asyncio.wait_for(line.runs.left.wait(), SOON)


@dataclass(slots=True)
class Tripping(WatchedTenancy):
    """Does something after it has looked somebody's standing up, and before it says so."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        found = await self.store.access_to(space, user)
        if self.meanwhile is not None:
            await self.meanwhile()
        return found


async def test_who_loses_the_space_while_they_are_let_in_loses_the_stream(line: Line) -> None:
    gate, user = line.gate, (await member(line)).user_id
    gate.tenancy.store = tripping = Tripping(gate.tenancy.store)

    async def removed() -> None:
        tripping.meanwhile = None
        generation = gate.authority.generation
        await gate.stores.members.change(gate.home.organization, gate.home.owner, user, None)
        await gate.authority.changed(generation, 1.0)

    tripping.meanwhile = removed
    tokens = await gate.sessions.open(user=user, organization=None, caller=CALLER, bound=False)
    call = await line.open(tokens)
    assert await how_it_ends(call) == (grpc.StatusCode.NOT_FOUND, "SPACE_NOT_FOUND")


async def test_trouble_with_one_stream_does_not_end_the_watch_over_all(line: Line) -> None:
    gate, user = line.gate, (await member(line)).user_id
    tokens = await gate.sessions.open(user=user, organization=None, caller=CALLER, bound=False)
    call = await line.open(tokens)
    gate.tenancy.store = tripping = Tripping(gate.tenancy.store)
    tripped = asyncio.Event()

    async def trip() -> None:
        tripped.set()
        raise RuntimeError("nobody has foreseen this")

    tripping.meanwhile = trip
    await joined_space(gate.stores, gate.home, user, Role.VIEWER)
    await asyncio.wait_for(tripped.wait(), SOON)
    await gate.feed.tell(session_revoked(tokens.session_id, gate.clock.now()))
    assert await how_it_ends(call) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED")


async def test_a_lookup_that_hangs_holds_up_no_other_stream(line: Line) -> None:
    gate = line.gate
    stuck, leaving, ended = [(await member(line)).user_id for _ in range(3)]
    hung = asyncio.Event()

    class Stuck(WatchedTenancy):
        async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
            if user == stuck:
                hung.set()
                await asyncio.sleep(60)
            return await self.store.access_to(space, user)

    calls = {}
    for user in (stuck, leaving, ended):
        tokens = await gate.sessions.open(user=user, organization=None, caller=CALLER, bound=False)
        calls[user] = (await line.open(tokens), tokens.session_id)
    gate.tenancy.store = Stuck(gate.tenancy.store)
    await joined_space(gate.stores, gate.home, stuck, Role.VIEWER)
    await asyncio.wait_for(hung.wait(), SOON)
    await gate.stores.members.change(gate.home.organization, gate.home.owner, leaving, None)
    await gate.feed.tell(session_revoked(calls[ended][1], gate.clock.now()))
    endings = await asyncio.gather(how_it_ends(calls[leaving][0]), how_it_ends(calls[ended][0]))
    assert [reason for _, reason in endings] == ["SPACE_NOT_FOUND", "SESSION_ENDED"]
    assert not calls[stuck][0].done()
    calls[stuck][0].cancel()


async def test_another_role_leaves_the_stream_alone(line: Line) -> None:
    tokens = await member(line)
    call = await line.open(tokens)
    await joined_space(line.gate.stores, line.gate.home, tokens.user_id, Role.VIEWER)
    await asyncio.sleep(0.7)
    assert not call.done()
    call.cancel()


async def test_a_stream_does_not_outlive_what_can_be_known(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    call = await line.open(await member(line))
    line.gate.feed.away = True
    line.gate.clock.advance(1.0)
    await asyncio.sleep(0.6)
    assert not call.done(), "a database that blinks ends nothing"
    line.gate.clock.advance(1.0)
    assert await how_it_ends(call) == (grpc.StatusCode.UNAVAILABLE, "AUTHORITY_UNKNOWN")


async def test_a_client_that_takes_nothing_is_told_all_the_same() -> None:
    async with new_gate(poll_seconds=0.02) as gate, served(gate, Runs(flood=True)) as line:
        tokens = await member(line)
        call = await line.open(tokens)
        await asyncio.sleep(0.3)  # the window is full: the handler is held up
        await gate.feed.tell(session_revoked(tokens.session_id, gate.clock.now()))
        await asyncio.sleep(0.5)
        assert await how_it_ends(call) == (grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED")
        await asyncio.wait_for(line.runs.left.wait(), SOON)


async def test_a_stream_that_ends_by_itself_ends_well() -> None:
    async with new_gate(poll_seconds=0.02) as gate, served(gate, Runs(ends=True)) as line:
        tokens = await member(line)
        call = await line.open(tokens)
        assert await how_it_ends(call) == (grpc.StatusCode.OK, "")
        await gate.feed.tell(session_revoked(tokens.session_id, gate.clock.now()))
        await asyncio.sleep(0.2)
        assert await call.code() is grpc.StatusCode.OK


async def test_a_client_that_can_renew_its_token_goes_on_where_the_stream_ended(line: Line) -> None:
    gate, minutes = line.gate, 60.0
    tokens = [await member(line)]
    async with ObeliskClient(
        line.address,
        token=lambda: tokens[-1].access_token,
        space_id=str(gate.home.space),
    ) as client:
        events = client.watch("a run")
        assert (await anext(events)).sequence == 1
        gate.clock.advance(10 * minutes)
        user = tokens[0].user_id
        tokens.append(await gate.sessions.open(user=user, organization=None, caller=CALLER))
        gate.clock.advance(6 * minutes)
        assert (await anext(events)).sequence == 1
        await events.aclose()
    assert line.runs.cursors == [0, 1]


async def test_a_client_that_cannot_is_told_that_the_tokens_time_is_over(line: Line) -> None:
    token = (await member(line)).access_token
    space = str(line.gate.home.space)
    async with ObeliskClient(line.address, token=token, space_id=space) as client:
        events = client.watch("a run")
        assert (await anext(events)).sequence == 1
        line.gate.clock.advance(3600)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await anext(events)
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert line.runs.cursors == [0]
