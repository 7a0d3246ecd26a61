"""The audit interceptor: what is written down, when, and in whose log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from google.api import annotations_pb2  # type: ignore[import-untyped]  # no py.typed

from application.context import Caller, RequestContext
from application.ports.tenancy_store import TenancyStore
from domain.auth.audit import AuditEvent, Ending
from domain.errors import NotFound, Unavailable
from domain.identifiers import AuditId, OrganizationId, UserId
from entrypoints.grpc.call import note_subject
from entrypoints.grpc.interceptors.audit import NOT_AUDITED, changes_state
from entrypoints.rest.routes import published_services
from fixtures.audited import SeenAuditLog, Stage, staged
from fixtures.house import claims_of, context_of
from fixtures.making import Home, new_home, new_id, organization
from fixtures.stores import memory_stores
from obelisk.v1 import (
    auth_pb2,
    auth_pb2_grpc,
    document_pb2,
    document_pb2_grpc,
    member_pb2,
    member_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    tenancy_pb2,
    tenancy_pb2_grpc,
)

SOMEBODY = str(new_id())
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for service in published_services()
    for method in service.methods
}


class NoSuchThing(NotFound):
    reason = "NO_SUCH_THING"


class Broken(SeenAuditLog):
    """A log whose database is away."""

    def __init__(self, *, at: str) -> None:
        super().__init__()
        self._at = at

    async def begin(self, event: AuditEvent) -> None:
        if self._at == "begin":
            raise ConnectionResetError("the socket is gone")
        await super().begin(event)

    async def end(self, audit_id: AuditId, ending: Ending) -> None:
        raise Unavailable("the database does not answer")


@pytest.fixture
def tenancy() -> TenancyStore:
    return memory_stores().tenancy


@pytest_asyncio.fixture
async def home(tenancy: TenancyStore) -> Home:
    return await new_home(tenancy)


@pytest_asyncio.fixture
async def away(tenancy: TenancyStore) -> Home:
    return await new_home(tenancy)


@pytest.fixture
def stage() -> Stage:
    return Stage(log=SeenAuditLog())


@pytest_asyncio.fixture
async def channel(stage: Stage, tenancy: TenancyStore) -> AsyncIterator[grpc.aio.Channel]:
    async with staged(stage, tenancy) as target, grpc.aio.insecure_channel(target) as opened:
        yield opened


async def set_member(channel: grpc.aio.Channel, organization: UUID) -> None:
    stub: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(channel)
    await stub.SetMember(
        member_pb2.SetMemberRequest(organization_id=str(organization), user_id=SOMEBODY)
    )


async def sign_in(channel: grpc.aio.Channel, organization: UUID) -> None:
    stub: auth_pb2_grpc.AuthServiceAsyncStub = auth_pb2_grpc.AuthServiceStub(channel)
    await stub.SignIn(
        auth_pb2.SignInRequest(
            email="ada@larkfell.example",
            password="correct horse",
            organization_id=str(organization),
        )
    )


def without_space(home: Home) -> RequestContext:
    return context_of(home, None)


def bound_to(home: Home, organization: OrganizationId) -> RequestContext:
    claims = replace(claims_of(home.owner), organization_id=organization)
    return RequestContext(claims=claims, caller=Caller(correlation_id="x"))


@pytest.mark.parametrize("name", METHODS)
def test_every_rpc_that_is_no_get_is_written_down(name: str) -> None:
    http = METHODS[name].GetOptions().Extensions[annotations_pb2.http]
    is_get = http.WhichOneof("pattern") == "get"
    assert changes_state(name) is (not is_get and name not in NOT_AUDITED)


def test_what_is_kept_elsewhere_exists() -> None:
    assert set(NOT_AUDITED) == {
        "/obelisk.v1.RunService/StartRun",
        "/obelisk.v1.SearchService/Search",
    }
    assert set(NOT_AUDITED) <= set(METHODS)


def test_an_rpc_that_nobody_has_declared_is_written_down() -> None:
    assert changes_state("/obelisk.v1.MemberService/Unheard")


async def test_an_act_stands_in_the_log_before_it_is_done(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    seen: list[AuditEvent] = []

    async def look() -> None:
        seen.extend(stage.log.events)

    stage.context, stage.act = without_space(home), look
    await set_member(channel, home.organization)
    (before,), (after,) = seen, stage.log.events
    assert (before.outcome, after.outcome) == (None, "OK")
    assert before.action == "/obelisk.v1.MemberService/SetMember"
    assert before.actor == home.owner
    assert before.organization_id == home.organization
    assert before.address == "127.0.0.1"
    assert before.objects == {"organization_id": str(home.organization), "user_id": SOMEBODY}


async def test_the_log_carries_the_correlation_id_of_the_call(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    stage.context = without_space(home)
    stub: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(channel)
    await stub.SetMember(
        member_pb2.SetMemberRequest(), metadata=(("x-correlation-id", "from-afar"),)
    )
    (event,) = stage.log.events
    assert event.correlation_id == "from-afar"


async def test_an_act_in_a_space_says_so(
    stage: Stage, channel: grpc.aio.Channel, home: Home, away: Home
) -> None:
    stage.context = context_of(home)
    await set_member(channel, away.organization)
    (event,) = stage.log.events
    assert (event.organization_id, event.space_id) == (home.organization, home.space)


async def test_the_objects_are_ids_and_nothing_else(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    stage.context = context_of(home)
    await set_member(channel, home.organization)
    await sign_in(channel, home.organization)
    stub: document_pb2_grpc.DocumentServiceAsyncStub
    stub = document_pb2_grpc.DocumentServiceStub(channel)
    await stub.UploadDocument(iter([document_pb2.UploadDocumentRequest(content=b"secret")]))
    kept = repr(stage.log.events)
    for secret in ("larkfell", "correct horse", "secret", "a@b.example"):
        assert secret not in kept
    assert [sorted(event.objects) for event in stage.log.events] == [
        ["organization_id", "user_id"],
        ["organization_id", "session_id"],
        ["document_id"],
    ]


async def test_what_is_no_id_is_not_taken_for_one(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    stage.context = without_space(home)
    stub: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(channel)
    await stub.SetMember(
        member_pb2.SetMemberRequest(organization_id="my password", user_id="ada@larkfell.example")
    )
    (event,) = stage.log.events
    assert event.objects == {}


async def test_a_read_is_not_written_down(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    stage.context = context_of(home)
    members: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(channel)
    await members.ListMembers(member_pb2.ListMembersRequest())
    runs: run_pb2_grpc.RunServiceAsyncStub = run_pb2_grpc.RunServiceStub(channel)
    assert [_ async for _ in runs.StartRun(run_pb2.StartRunRequest())]
    assert stage.acts == 2
    assert stage.log.events == ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NoSuchThing("no such thing"), "NO_SUCH_THING"),
        (RuntimeError("postgres://u:p@h"), "INTERNAL"),
    ],
)
async def test_a_refusal_is_written_down_with_its_reason(
    stage: Stage, channel: grpc.aio.Channel, home: Home, error: Exception, outcome: str
) -> None:
    async def refuse() -> None:
        raise error

    stage.context, stage.act = without_space(home), refuse
    with pytest.raises(grpc.aio.AioRpcError):
        await set_member(channel, home.organization)
    (event,) = stage.log.events
    assert event.outcome == outcome


async def test_a_caller_who_leaves_is_written_down_too(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    started = asyncio.Event()

    async def dawdle() -> None:
        started.set()
        await asyncio.sleep(30)

    stage.context, stage.act = without_space(home), dawdle
    call = asyncio.ensure_future(set_member(channel, home.organization))
    await started.wait()
    call.cancel()
    async with asyncio.timeout(5):
        while stage.log.events[0].outcome is None:  # noqa: ASYNC110 - the server ends it by itself
            await asyncio.sleep(0.01)
    assert stage.log.events[0].outcome == "CANCELLED"


async def test_a_call_that_runs_out_of_time_is_written_down_too(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    async def dawdle() -> None:
        await asyncio.sleep(30)

    stage.context, stage.act = without_space(home), dawdle
    stub: member_pb2_grpc.MemberServiceAsyncStub = member_pb2_grpc.MemberServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.SetMember(member_pb2.SetMemberRequest(), timeout=0.2)
    async with asyncio.timeout(5):
        while stage.log.events[0].outcome is None:  # noqa: ASYNC110 - the server ends it by itself
            await asyncio.sleep(0.01)
    assert stage.log.events[0].outcome == "CANCELLED"


async def test_what_cannot_be_written_down_is_not_done(
    stage: Stage, tenancy: TenancyStore, home: Home
) -> None:
    stage.context = without_space(home)
    async with (
        staged(stage, tenancy, Broken(at="begin")) as target,
        grpc.aio.insecure_channel(target) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await set_member(channel, home.organization)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "socket" not in (refused.value.details() or "")
    assert stage.acts == 0


async def test_an_act_that_is_done_is_answered_although_its_outcome_was_lost(
    stage: Stage, tenancy: TenancyStore, home: Home
) -> None:
    stage.context, log = without_space(home), Broken(at="end")
    async with (
        staged(stage, tenancy, log) as target,
        grpc.aio.insecure_channel(target) as channel,
    ):
        await set_member(channel, home.organization)
    assert [event.outcome for event in log.events] == [None]


async def test_a_stranger_writes_nothing_into_a_foreign_log(
    stage: Stage, channel: grpc.aio.Channel, home: Home, away: Home
) -> None:
    stage.context = without_space(home)
    await set_member(channel, away.organization)
    stage.context = bound_to(home, home.organization)
    await set_member(channel, away.organization)
    stage.context = None
    await sign_in(channel, away.organization)
    assert [e.organization_id for e in stage.log.events] == [None, home.organization, None]


async def test_who_makes_an_organization_finds_it_in_its_log(
    stage: Stage, channel: grpc.aio.Channel, tenancy: TenancyStore, home: Home
) -> None:
    made = OrganizationId(new_id())

    async def make() -> None:
        await tenancy.add_organization(organization(made), home.owner)

    stage.context, stage.act, stage.organization_id = without_space(home), make, str(made)
    stub: tenancy_pb2_grpc.TenancyServiceAsyncStub = tenancy_pb2_grpc.TenancyServiceStub(channel)
    await stub.CreateOrganization(tenancy_pb2.CreateOrganizationRequest(display_name="Larkfell"))
    (event,) = stage.log.events
    assert (event.organization_id, event.actor) == (made, home.owner)
    assert event.objects == {"organization_id": str(made)}


async def test_a_sign_in_is_written_down_for_whom_it_let_in(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    async def let_in() -> None:
        # In a task of its own, as work is that must not be torn.
        async with asyncio.TaskGroup() as group:
            group.create_task(_note(home.owner, home.organization))

    stage.act = let_in
    await sign_in(channel, home.organization)
    (event,) = stage.log.events
    assert (event.actor, event.organization_id) == (home.owner, home.organization)
    assert event.outcome == "OK"


async def test_a_failed_sign_in_proves_nobody_and_is_in_no_organizations_log(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    async def refuse() -> None:
        await _note(home.owner, home.organization)
        raise NoSuchThing("wrong password")

    stage.act = refuse
    with pytest.raises(grpc.aio.AioRpcError):
        await sign_in(channel, home.organization)
    (event,) = stage.log.events
    assert (event.actor, event.organization_id) == (None, None)
    assert event.outcome == "NO_SUCH_THING"


async def test_one_calls_subject_is_not_the_next_ones(
    stage: Stage, channel: grpc.aio.Channel, home: Home
) -> None:
    async def first() -> None:
        await _note(home.owner, home.organization)

    stage.act = first
    await sign_in(channel, home.organization)
    stage.act = lambda: asyncio.sleep(0)
    await sign_in(channel, home.organization)
    assert [event.actor for event in stage.log.events] == [home.owner, None]


async def _note(user: UserId, organization: OrganizationId) -> None:
    note_subject(user, organization)
