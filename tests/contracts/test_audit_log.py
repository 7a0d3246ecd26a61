"""The contract of `AuditLog`, on every adapter."""

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.postgres.audit_log import PostgresAuditLog
from application.ports.audit_log import AuditLog
from domain.auth.audit import AuditEvent, Ending
from domain.identifiers import AuditId, OrganizationId, SpaceId, UserId
from domain.paging import PageRequest
from fixtures.making import NOON, new_id

ALL = PageRequest(size=200)


@pytest.fixture(params=["memory", "postgres"])
def log(request: pytest.FixtureRequest) -> AuditLog:
    if request.param == "memory":
        return MemoryAuditLog()
    return PostgresAuditLog(request.getfixturevalue("pool"))


def act(organization: OrganizationId | None, actor: UserId | None = None) -> AuditEvent:
    return AuditEvent(
        audit_id=AuditId(new_id()),
        action="/obelisk.v1.MemberService/SetMember",
        actor=actor,
        organization_id=organization,
        space_id=SpaceId(new_id()),
        objects={"user_id": str(new_id())},
        address="192.0.2.7",
        correlation_id="c-1",
        outcome=None,
        create_time=NOON,
    )


async def test_an_act_under_way_is_in_the_log_without_an_outcome(log: AuditLog) -> None:
    event = act(OrganizationId(new_id()), UserId(new_id()))
    await log.begin(event)
    assert event.organization_id is not None
    assert (await log.list(event.organization_id, ALL)).items == (event,)


async def test_an_ending_says_how_it_went_and_to_what(log: AuditLog) -> None:
    home = OrganizationId(new_id())
    event = act(home, UserId(new_id()))
    await log.begin(event)
    await log.end(event.audit_id, Ending(outcome="OK", objects={"space_id": "x"}))
    (kept,) = (await log.list(home, ALL)).items
    assert (kept.outcome, kept.objects) == ("OK", {"space_id": "x"})
    assert kept.actor == event.actor


async def test_only_the_first_ending_counts(log: AuditLog) -> None:
    home = OrganizationId(new_id())
    event = act(home)
    await log.begin(event)
    await log.end(event.audit_id, Ending(outcome="NOT_FOUND", objects={}))
    await log.end(event.audit_id, Ending(outcome="OK", objects={}, actor=UserId(new_id())))
    (kept,) = (await log.list(home, ALL)).items
    assert (kept.outcome, kept.actor) == ("NOT_FOUND", None)


async def test_an_ending_fills_what_was_unknown(log: AuditLog) -> None:
    event, home, who = act(None), OrganizationId(new_id()), UserId(new_id())
    await log.begin(event)
    await log.end(event.audit_id, Ending(outcome="OK", objects={}, actor=who, organization_id=home))
    (kept,) = (await log.list(home, ALL)).items
    assert (kept.audit_id, kept.actor) == (event.audit_id, who)


async def test_the_end_of_an_act_that_never_began_is_no_act(log: AuditLog) -> None:
    home = OrganizationId(new_id())
    await log.end(AuditId(new_id()), Ending(outcome="OK", objects={}, organization_id=home))
    assert (await log.list(home, ALL)).items == ()


async def test_another_organization_sees_nothing_of_it(log: AuditLog) -> None:
    await log.begin(act(OrganizationId(new_id())))
    await log.begin(act(None))
    assert (await log.list(OrganizationId(new_id()), ALL)).items == ()


async def test_pages_go_from_the_newest_to_the_oldest(log: AuditLog) -> None:
    home = OrganizationId(new_id())
    events = [act(home) for _ in range(5)]
    for event in (events[2], events[0], events[4], events[1], events[3]):
        await log.begin(event)
    first = await log.list(home, PageRequest(size=3))
    assert first.items == (events[4], events[3], events[2])
    last = await log.list(home, PageRequest(size=3, after=first.next_after))
    assert last.items == (events[1], events[0])
    assert last.next_after is None
