"""Who may read the log of an organization."""

from dataclasses import replace

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.clock import FixedClock
from adapters.memory.entropy import SeededEntropy
from application.auth.audit import AuditActs, ReadAudit
from application.context import RequestContext
from domain.auth.audit import OK, AuditEvent, joined, merged
from domain.errors import NotFound
from domain.identifiers import OrganizationId, UserId
from domain.paging import PageRequest
from domain.tenancy.access import Action, ActionNotAllowed, Role
from fixtures.house import House, claims_of, context_of
from fixtures.making import new_home, new_id
from fixtures.people import joined as joined_as
from fixtures.people import served

ALL = PageRequest(size=200)


def as_user(house: House, user: UserId, bound: OrganizationId | None = None) -> RequestContext:
    claims = replace(claims_of(user), organization_id=bound)
    return replace(context_of(house.home, None), claims=claims)


@pytest.fixture
def log() -> MemoryAuditLog:
    return MemoryAuditLog()


@pytest.fixture
def read(house: House, log: MemoryAuditLog) -> ReadAudit:
    return ReadAudit(log=log, tenancy=house.stores.tenancy)


async def an_act(house: House, log: MemoryAuditLog) -> None:
    acts = AuditActs(
        log=log, tenancy=house.stores.tenancy, clock=FixedClock(), entropy=SeededEntropy()
    )
    context = context_of(house.home)
    await acts.begin(context, caller=context.caller, action="/a.B/C", objects={})


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
async def test_owners_and_admins_read_it(
    house: House, log: MemoryAuditLog, read: ReadAudit, role: Role
) -> None:
    await an_act(house, log)
    reader = await joined_as(house.stores, house.home, role)
    page = await read.list(
        as_user(house, reader), organization_id=house.home.organization, page=ALL
    )
    assert [event.actor for event in page.items] == [house.home.owner]


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.VIEWER])
async def test_nobody_else_in_it_does(house: House, read: ReadAudit, role: Role) -> None:
    reader = await joined_as(house.stores, house.home, role)
    with pytest.raises(ActionNotAllowed) as refused:
        await read.list(as_user(house, reader), organization_id=house.home.organization, page=ALL)
    assert refused.value.metadata["action"] == Action.READ_AUDIT.value


async def test_to_a_stranger_it_is_as_if_there_was_no_organization(
    house: House, read: ReadAudit
) -> None:
    away = await new_home(house.stores.tenancy)
    asked = [
        (as_user(house, UserId(new_id())), house.home.organization),
        (as_user(house, house.home.owner), away.organization),
        (as_user(house, house.home.owner), OrganizationId(new_id())),
        (as_user(house, house.home.owner, bound=away.organization), house.home.organization),
    ]
    answers = set()
    for context, organization in asked:
        with pytest.raises(NotFound) as refused:
            await read.list(context, organization_id=organization, page=ALL)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_ids_of_one_name_stand_side_by_side_once() -> None:
    assert joined(["a", "b", "a"]) == "a b"
    assert merged({"x": "a b", "y": "c"}, {"x": "b d", "z": "e"}) == {
        "x": "a b d",
        "y": "c",
        "z": "e",
    }


async def test_whoever_was_removed_writes_no_more_into_the_log_by_their_old_token(
    house: House, log: MemoryAuditLog
) -> None:
    home = house.home.organization
    member = await joined_as(house.stores, house.home, Role.EDITOR)
    context = as_user(house, member, home)
    acts = AuditActs(
        log=log, tenancy=house.stores.tenancy, clock=FixedClock(), entropy=SeededEntropy()
    )

    async def act() -> AuditEvent:
        event = await acts.begin(context, caller=context.caller, action="/a.B/C", objects={})
        await acts.end(event, context, outcome=OK, objects={})
        return event

    inside = await act()
    await house.stores.members.change(home, house.home.owner, member, None)
    outside = await act()
    assert (inside.organization_id, outside.organization_id) == (home, None)
    page = await log.list(home, ALL)
    assert [event.audit_id for event in page.items] == [inside.audit_id]


async def test_who_leaves_is_written_down_and_a_service_as_long_as_it_is_one(
    house: House, log: MemoryAuditLog
) -> None:
    home = house.home.organization
    service = await served(house.stores, house.home, Role.EDITOR)
    context = as_user(house, service, home)
    acts = AuditActs(
        log=log, tenancy=house.stores.tenancy, clock=FixedClock(), entropy=SeededEntropy()
    )
    leaving = await acts.begin(context, caller=context.caller, action="/a.B/C", objects={})
    await house.stores.clients.revoke(home, service)
    await acts.end(leaving, context, outcome=OK, objects={})
    later = await acts.begin(context, caller=context.caller, action="/a.B/C", objects={})
    assert (leaving.organization_id, later.organization_id) == (home, None)
    page = await log.list(home, ALL)
    assert [(event.audit_id, event.outcome) for event in page.items] == [(leaving.audit_id, OK)]
