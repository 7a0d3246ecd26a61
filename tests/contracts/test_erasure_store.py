"""The contract of `ErasureStore`, on every kind of store."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.auth.account import User
from domain.auth.claims import Claims
from domain.auth.revocation import Authority, Verdict
from domain.auth.session import RefreshToken, RefreshTokenRejected, Session
from domain.conversations.conversation import ConversationNotFound
from domain.documents.document import DocumentNotFound
from domain.errors import NotFound
from domain.identifiers import (
    InvitationId,
    OrganizationId,
    ReceiptId,
    SessionId,
    SpaceId,
    UserId,
)
from domain.paging import PageRequest
from domain.runs.run import RunNotFound
from domain.tenancy.access import Role
from domain.tenancy.client import ServiceClient
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound
from domain.tenancy.invitation import Invitation
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.settings import SpaceSettings
from domain.tenancy.space import SpaceNotFound
from fixtures.house import claims_of
from fixtures.making import (
    MODEL,
    NOON,
    Home,
    conversation,
    document,
    new_home,
    new_id,
    passages,
    run,
    space,
    structure,
)
from fixtures.stores import Stores

ALL = PageRequest(size=200)
LATER = NOON + timedelta(minutes=5)


def receipt_for(home: Home, space_id: SpaceId | None) -> ErasureReceipt:
    return ErasureReceipt(
        receipt_id=ReceiptId(new_id()),
        organization_id=home.organization,
        space_id=space_id,
        spaces=() if space_id is None else (space_id,),
        requester=home.owner,
        counts={},
        create_time=NOON,
        finish_time=None,
    )


async def fill(stores: Stores, home: Home) -> None:
    """One document with two passages, a conversation with a question, a run, two settings."""
    made, thread = document(home), conversation(home)
    await stores.documents.add(made)
    await stores.documents.publish(made, structure(), passages("one", "two"), MODEL)
    await stores.conversations.add(thread)
    await stores.runs.create(run(home, conversation_id=thread.conversation_id), "request")
    for tone in ("calm", "loud"):
        await stores.settings.put(home.space, SpaceSettings(facts={"tone": tone}), home.owner)


FILLED = {
    "spaces": 1,
    "space_members": 1,
    "documents": 1,
    "chunks": 2,
    "vectors": 2,
    "conversations": 1,
    "messages": 1,
    "runs": 1,
    "run_events": 1,
    "settings_versions": 2,
}


async def known(stores: Stores) -> Authority:
    authority = Authority()
    authority.learn((await stores.feed.read(None)).changes)
    return authority


async def test_a_space_goes_with_all_that_is_in_it(stores: Stores, home: Home) -> None:
    await fill(stores, home)
    begun = await stores.erasures.begin(receipt_for(home, home.space))
    assert begun.counts == FILLED
    assert (await stores.documents.list(home.space, ALL)).items == ()
    assert (await stores.conversations.list(home.space, ALL)).items == ()
    assert (await stores.runs.list(home.space, ALL)).items == ()
    assert await stores.settings.get(home.space) == SpaceSettings()
    assert await stores.tenancy.access_to(home.space, home.owner) is None
    assert await stores.tenancy.role_in(home.organization, home.owner) is Role.OWNER


async def test_another_space_keeps_everything(stores: Stores, home: Home, away: Home) -> None:
    sibling = Home(organization=home.organization, space=SpaceId(new_id()), owner=home.owner)
    await stores.tenancy.add_space(space(home.organization, sibling.space), home.owner)
    for one in (home, sibling, away):
        await fill(stores, one)
    await stores.erasures.begin(receipt_for(home, home.space))
    for one in (sibling, away):
        assert len((await stores.documents.list(one.space, ALL)).items) == 1
        assert (await stores.settings.get(one.space)).facts == {"tone": "loud"}
        assert await stores.tenancy.access_to(one.space, one.owner) is not None


async def test_nothing_can_be_added_to_what_is_gone(stores: Stores, home: Home) -> None:
    kept, thread, asked = document(home), conversation(home), run(home)
    await stores.documents.add(kept)
    await stores.runs.create(asked, None)
    await stores.erasures.begin(receipt_for(home, home.space))
    for late in (
        stores.documents.add(document(home)),
        stores.documents.publish(kept, structure(), passages("late"), MODEL),
        stores.conversations.add(thread),
        stores.runs.create(run(home), None),
        stores.runs.claim(home.space, asked.run_id),
        stores.settings.put(home.space, SpaceSettings(facts={"tone": "late"}), home.owner),
    ):
        with pytest.raises(NotFound):
            await late
    assert (await stores.documents.list(home.space, ALL)).items == ()
    assert (await stores.runs.list(home.space, ALL)).items == ()
    assert await stores.settings.get(home.space) == SpaceSettings()


async def test_what_was_there_is_not_found(stores: Stores, home: Home) -> None:
    made, thread, asked = document(home), conversation(home), run(home)
    await stores.documents.add(made)
    await stores.conversations.add(thread)
    await stores.runs.create(asked, None)
    await stores.erasures.begin(receipt_for(home, home.space))
    with pytest.raises(DocumentNotFound):
        await stores.documents.get(home.space, made.document_id)
    with pytest.raises(ConversationNotFound):
        await stores.conversations.messages(home.space, thread.conversation_id, ALL)
    with pytest.raises(RunNotFound):
        await stores.runs.get(home.space, asked.run_id)
    assert await stores.log.read(home.space, asked.run_id, 0, 10) == ()


async def test_a_space_can_be_erased_once(stores: Stores, home: Home) -> None:
    await stores.erasures.begin(receipt_for(home, home.space))
    again = receipt_for(home, home.space)
    with pytest.raises(SpaceNotFound):
        await stores.erasures.begin(again)
    with pytest.raises(ErasureReceiptNotFound):
        await stores.erasures.get(again.receipt_id)


async def test_a_space_of_another_organization_is_not_there(
    stores: Stores, home: Home, away: Home
) -> None:
    await fill(stores, away)
    with pytest.raises(SpaceNotFound):
        await stores.erasures.begin(receipt_for(home, away.space))
    assert len((await stores.documents.list(away.space, ALL)).items) == 1


async def test_whoever_could_enter_is_told_everywhere(stores: Stores, home: Home) -> None:
    before = (await known(stores)).epoch_of(home.owner)
    await stores.erasures.begin(receipt_for(home, home.space))
    assert (await known(stores)).epoch_of(home.owner) > before


async def test_an_organization_goes_with_its_spaces(stores: Stores, home: Home) -> None:
    second = SpaceId(new_id())
    await stores.tenancy.add_space(space(home.organization, second), home.owner)
    await fill(stores, home)
    begun = await stores.erasures.begin(receipt_for(home, None))
    assert begun.spaces == tuple(sorted((home.space, second)))
    assert begun.counts == FILLED | {
        "spaces": 2,
        "space_members": 2,
        "organizations": 1,
        "organization_members": 1,
    }
    assert await stores.directory.organizations_of(home.owner) == ()
    assert await stores.tenancy.role_in(home.organization, home.owner) is None
    assert (await stores.documents.list(home.space, ALL)).items == ()


async def test_another_organization_keeps_everything(
    stores: Stores, home: Home, away: Home
) -> None:
    await fill(stores, away)
    await stores.erasures.begin(receipt_for(home, None))
    assert len((await stores.documents.list(away.space, ALL)).items) == 1
    assert await stores.tenancy.role_in(away.organization, away.owner) is Role.OWNER


async def test_an_organization_can_be_erased_once(stores: Stores, home: Home) -> None:
    await stores.erasures.begin(receipt_for(home, None))
    with pytest.raises(OrganizationNotFound):
        await stores.erasures.begin(receipt_for(home, None))
    nowhere = Home(organization=OrganizationId(new_id()), space=home.space, owner=home.owner)
    with pytest.raises(OrganizationNotFound):
        await stores.erasures.begin(receipt_for(nowhere, None))


async def person(stores: Stores, user: UserId) -> None:
    await stores.accounts.add(
        User(user_id=user, email=f"{user}@larkfell.example", display_name="Ada", create_time=NOON),
        None,
    )


def session(user: UserId, organization: OrganizationId | None) -> tuple[Session, RefreshToken]:
    opened = Session(
        session_id=SessionId(new_id()),
        user_id=user,
        organization_id=organization,
        address="192.0.2.1",
        user_agent="test",
        create_time=NOON,
        expire_time=NOON + timedelta(days=3650),
    )
    return opened, RefreshToken(token_hash=opened.session_id.bytes, expire_time=opened.expire_time)


def claims(user: UserId, session_id: SessionId) -> Claims:
    made = claims_of(user)
    return Claims(
        subject=user,
        session_id=session_id,
        token_id="t",
        issue_time=made.issue_time,
        expire_time=made.expire_time,
        epoch=1_000_000,
    )


async def test_sessions_bound_to_the_organization_end_and_others_stay(
    stores: Stores, home: Home, away: Home
) -> None:
    await person(stores, home.owner)
    bound, bound_refresh = session(home.owner, home.organization)
    free, free_refresh = session(home.owner, None)
    elsewhere, elsewhere_refresh = session(home.owner, away.organization)
    await stores.sessions.open(bound, bound_refresh)
    await stores.sessions.open(free, free_refresh)
    await stores.sessions.open(elsewhere, elsewhere_refresh)
    begun = await stores.erasures.begin(receipt_for(home, None))
    assert begun.counts["sessions"] == 1
    authority = await known(stores)
    verdicts = [
        authority.verdict(claims(home.owner, s.session_id)) for s in (bound, free, elsewhere)
    ]
    assert verdicts == [Verdict.REVOKED, Verdict.CURRENT, Verdict.CURRENT]
    with pytest.raises(RefreshTokenRejected):
        await renew(stores, bound_refresh)
    assert await renew(stores, free_refresh) is not None
    assert await stores.accounts.get(home.owner) is not None


async def renew(stores: Stores, refresh: RefreshToken) -> object:
    successor = RefreshToken(token_hash=new_id().bytes, expire_time=refresh.expire_time)
    return await stores.sessions.rotate(refresh.token_hash, successor, None, LATER)


async def test_services_and_invitations_go_and_the_services_tokens_end(
    stores: Stores, home: Home
) -> None:
    client = ServiceClient(
        client_id=UserId(new_id()),
        organization_id=home.organization,
        display_name="CMS",
        create_time=NOON,
    )
    await stores.clients.add(
        client, b"0" * 32, Role.EDITOR, {home.space: Role.EDITOR}, giver=home.owner
    )
    await stores.invitations.add(invitation(home), b"1" * 32)
    begun = await stores.erasures.begin(receipt_for(home, None))
    assert begun.counts["service_clients"] == 1
    assert begun.counts["invitations"] == 1
    assert await stores.clients.client_by_id(client.client_id) is None
    assert (await stores.invitations.list_open(home.organization, NOON, ALL)).items == ()
    authority = await known(stores)
    assert authority.verdict(claims(client.client_id, SessionId(new_id()))) is Verdict.REVOKED


def invitation(home: Home) -> Invitation:
    return Invitation(
        invitation_id=InvitationId(new_id()),
        organization_id=home.organization,
        email="guest@larkfell.example",
        role=Role.VIEWER,
        space_roles={home.space: Role.VIEWER},
        inviter=home.owner,
        create_time=NOON,
        expire_time=NOON + timedelta(days=3650),
    )


async def test_a_receipt_comes_back_as_it_was_kept(stores: Stores, home: Home) -> None:
    await fill(stores, home)
    begun = await stores.erasures.begin(receipt_for(home, home.space))
    assert await stores.erasures.get(begun.receipt_id) == begun
    with pytest.raises(ErasureReceiptNotFound):
        await stores.erasures.get(ReceiptId(new_id()))


async def test_a_receipt_is_finished_once(stores: Stores, home: Home) -> None:
    begun = await stores.erasures.begin(receipt_for(home, home.space))
    await stores.erasures.finish(begun.receipt_id, {"blobs": 3}, LATER)
    await stores.erasures.finish(begun.receipt_id, {"blobs": 9}, NOON)
    kept = await stores.erasures.get(begun.receipt_id)
    assert (kept.counts, kept.finish_time) == ({"blobs": 3}, LATER)


async def test_what_is_unfinished_is_known(stores: Stores) -> None:
    begun = [
        await stores.erasures.begin(receipt_for(home, home.space))
        for home in [await new_home(stores.tenancy) for _ in range(3)]
    ]
    await stores.erasures.finish(begun[0].receipt_id, {}, NOON)
    await stores.erasures.finish(begun[1].receipt_id, {}, LATER)
    assert ids(await stores.erasures.unfinished(LATER)) == ids(begun[2:])
    assert ids(await stores.erasures.unfinished(NOON)) == ids(begun[1:])


def ids(receipts: Sequence[ErasureReceipt]) -> list[ReceiptId]:
    return [receipt.receipt_id for receipt in receipts]
