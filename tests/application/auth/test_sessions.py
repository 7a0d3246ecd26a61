"""Sessions: opened, renewed, and ended for good."""

from contextlib import suppress
from datetime import timedelta

import pytest

from application.context import RequestContext
from domain.auth.account import UserNotFound
from domain.auth.claims import OperatorOnly, TokenRejected
from domain.auth.rate import TooManyAttempts
from domain.auth.session import (
    RefreshTokenRejected,
    SessionNotFound,
    SessionRefused,
    TokenSet,
)
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, SessionId, UserId
from domain.tenancy.access import ORGANIZATION_PERMISSIONS, Role
from domain.tenancy.organization import OrganizationNotFound
from fixtures.identity import CALLER, LIFE, SESSION_LIFE, Gate
from fixtures.making import new_home, new_id, organization
from fixtures.people import joined


async def _opened(gate: Gate, user: UserId | None = None, *, operator: bool = False) -> TokenSet:
    return await gate.sessions.open(
        user=user or gate.home.owner, organization=None, caller=CALLER, operator=operator
    )


async def _context(gate: Gate, tokens: TokenSet) -> RequestContext:
    return await gate.enter(tokens.access_token)


async def _rejected(gate: Gate, tokens: TokenSet) -> bool:
    """Whether the access token lets nobody in any more."""
    try:
        await gate.enter(tokens.access_token)
    except TokenRejected:
        return True
    return False


async def _refreshed(gate: Gate, tokens: TokenSet) -> TokenSet:
    assert tokens.refresh_token is not None
    return await gate.sessions.refresh(tokens.refresh_token, None, CALLER)


async def test_a_token_says_who_where_and_what_is_allowed(gate: Gate) -> None:
    tokens = await _opened(gate)
    claims = gate.signer.verify(tokens.access_token)
    assert claims.subject == tokens.user_id == gate.home.owner
    assert claims.session_id == tokens.session_id
    assert claims.organization_id == tokens.organization_id == gate.home.organization
    assert claims.spaces == {gate.home.space: Role.OWNER}
    assert claims.permissions == ORGANIZATION_PERMISSIONS[Role.OWNER]
    assert claims.epoch == await gate.stores.tenancy.epoch_of(gate.home.owner)
    assert not claims.operator
    assert claims.expire_time - claims.issue_time == LIFE
    assert tokens.access_expire_time == claims.expire_time


async def test_whoever_is_in_two_organizations_is_bound_when_asked_alone(gate: Gate) -> None:
    other = organization(OrganizationId(new_id()))
    await gate.stores.tenancy.add_organization(other, gate.home.owner)
    unbound = gate.signer.verify((await _opened(gate)).access_token)
    assert (unbound.organization_id, unbound.spaces, unbound.permissions) == (
        None,
        None,
        frozenset(),
    )
    bound = await gate.sessions.open(
        user=gate.home.owner, organization=gate.home.organization, caller=CALLER
    )
    claims = gate.signer.verify(bound.access_token)
    assert claims.spaces == {gate.home.space: Role.OWNER}


async def test_nobody_is_bound_against_their_will(gate: Gate) -> None:
    tokens = await gate.sessions.open(
        user=gate.home.owner, organization=None, caller=CALLER, bound=False
    )
    assert gate.signer.verify(tokens.access_token).organization_id is None


async def test_a_foreign_organization_is_refused_like_a_missing_one(gate: Gate) -> None:
    away = await new_home(gate.stores.tenancy)
    for strange in (away.organization, OrganizationId(new_id())):
        with pytest.raises(OrganizationNotFound):
            await gate.sessions.open(user=gate.home.owner, organization=strange, caller=CALLER)


async def test_nobody_without_an_account_gets_a_session(gate: Gate) -> None:
    with pytest.raises(SessionRefused):
        await _opened(gate, UserId(new_id()))


async def test_a_session_remembers_where_it_came_from_and_which_one_asks(gate: Gate) -> None:
    first, second = await _opened(gate), await _opened(gate)
    found = await gate.sessions.list(await _context(gate, first))
    assert [session.session_id for session in found] == [second.session_id, first.session_id]
    assert {(session.address, session.user_agent) for session in found} == {
        (CALLER.address, CALLER.user_agent)
    }


async def test_what_cannot_be_renewed_ends_with_its_token(gate: Gate) -> None:
    tokens = await gate.sessions.open(
        user=gate.home.owner, organization=None, caller=CALLER, renewable=False
    )
    assert (tokens.refresh_token, tokens.refresh_expire_time) == (None, None)
    (session,) = await gate.sessions.list(await _context(gate, tokens))
    assert session.expire_time == tokens.access_expire_time


async def test_a_refresh_token_gives_a_new_pair_of_the_same_session(gate: Gate) -> None:
    first = await _opened(gate)
    gate.clock.advance(60)
    second = await _refreshed(gate, first)
    assert second.session_id == first.session_id
    assert second.refresh_token not in (None, first.refresh_token)
    old, new = (gate.signer.verify(tokens.access_token) for tokens in (first, second))
    assert old.token_id != new.token_id
    assert (new.spaces, new.organization_id) == (old.spaces, old.organization_id)
    assert not await _rejected(gate, first)
    assert second.refresh_expire_time == first.refresh_expire_time


async def test_a_second_use_ends_the_session_with_all_its_tokens(gate: Gate) -> None:
    first = await _opened(gate)
    second = await _refreshed(gate, first)
    with pytest.raises(RefreshTokenRejected) as refusal:
        await _refreshed(gate, first)
    assert gate.settled, "the answer waits until the end holds everywhere"
    assert await _rejected(gate, first)
    assert await _rejected(gate, second)
    with pytest.raises(RefreshTokenRejected) as unknown:
        await gate.sessions.refresh("never issued", None, CALLER)
    assert str(refusal.value) == str(unknown.value)
    with pytest.raises(RefreshTokenRejected):
        await _refreshed(gate, second)


async def test_renewing_does_not_prolong_a_session(gate: Gate) -> None:
    tokens = await _opened(gate)
    gate.clock.advance((SESSION_LIFE - LIFE / 3).total_seconds())
    tokens = await _refreshed(gate, tokens)
    life = tokens.access_expire_time - gate.clock.now()
    assert life == LIFE / 3
    gate.clock.advance(life.total_seconds())
    with pytest.raises(RefreshTokenRejected):
        await _refreshed(gate, tokens)


async def test_a_renewed_token_knows_of_a_standing_gained_and_one_lost(gate: Gate) -> None:
    first = await _opened(gate)
    other = organization(OrganizationId(new_id()))
    await gate.stores.tenancy.add_organization(other, gate.home.owner)
    second = await _refreshed(gate, first)
    old, new = (gate.signer.verify(tokens.access_token) for tokens in (first, second))
    assert new.epoch > old.epoch
    assert new.organization_id == gate.home.organization


async def test_a_token_of_an_organization_that_was_left_opens_nothing(gate: Gate) -> None:
    home = gate.home
    member = await joined(gate.stores, home, Role.ADMIN)
    tokens = await _opened(gate, member)
    assert gate.signer.verify(tokens.access_token).spaces == {home.space: Role.ADMIN}
    await gate.stores.members.change(home.organization, home.owner, member, None)
    claims = gate.signer.verify((await _refreshed(gate, tokens)).access_token)
    assert claims.organization_id == home.organization
    assert (claims.spaces, claims.permissions) == ({}, frozenset())


async def test_a_session_can_be_bound_to_another_organization(gate: Gate) -> None:
    tokens = await _opened(gate)
    other = organization(OrganizationId(new_id()))
    await gate.stores.tenancy.add_organization(other, gate.home.owner)
    assert tokens.refresh_token is not None
    bound = await gate.sessions.refresh(tokens.refresh_token, other.organization_id, CALLER)
    assert bound.organization_id == other.organization_id
    assert gate.signer.verify(bound.access_token).spaces == {}


async def test_a_foreign_organization_uses_no_refresh_token_up(gate: Gate) -> None:
    tokens = await _opened(gate)
    away = await new_home(gate.stores.tenancy)
    assert tokens.refresh_token is not None
    with pytest.raises(OrganizationNotFound):
        await gate.sessions.refresh(tokens.refresh_token, away.organization, CALLER)
    await _refreshed(gate, tokens)


async def test_signing_out_ends_the_session_of_the_token(gate: Gate) -> None:
    mine, other = await _opened(gate), await _opened(gate)
    await gate.sessions.end(await _context(gate, mine))
    assert await _rejected(gate, mine)
    assert not await _rejected(gate, other)
    assert len(gate.settled) == 1


async def test_signing_out_everywhere_leaves_nothing_and_lets_in_again(gate: Gate) -> None:
    tokens = [await _opened(gate) for _ in range(3)]
    assert await gate.sessions.end_all(gate.home.owner) == 3
    assert [await _rejected(gate, one) for one in tokens] == [True] * 3
    assert not await _rejected(gate, await _opened(gate))


async def test_signing_out_of_many_sessions_ends_each_and_lets_in_again(gate: Gate) -> None:
    tokens = [await _opened(gate) for _ in range(12)]
    gate.clock.advance(600)
    assert await gate.sessions.end_all(gate.home.owner) == 12
    assert [await _rejected(gate, one) for one in tokens] == [True] * 12
    assert not await _rejected(gate, await _opened(gate))


async def test_nobody_opens_sessions_without_end(gate: Gate) -> None:
    for _ in range(600):
        await _opened(gate)
    with pytest.raises(TooManyAttempts):
        await _opened(gate)
    assert await _opened(gate, await gate.account())
    gate.clock.advance(60.0)
    assert await _opened(gate)


async def test_another_password_spares_the_session_that_set_it(gate: Gate) -> None:
    mine, other = await _opened(gate), await _opened(gate)
    assert await gate.sessions.end_all(gate.home.owner, except_session=mine.session_id) == 1
    assert not await _rejected(gate, mine)
    assert await _rejected(gate, other)


async def test_only_ones_own_session_can_be_revoked(gate: Gate) -> None:
    mine, stranger = await _opened(gate), await gate.account()
    theirs = await _opened(gate, stranger)
    context = await _context(gate, mine)
    for session in (theirs.session_id, SessionId(new_id())):
        with pytest.raises(SessionNotFound):
            await gate.sessions.revoke_session(context, session)
    assert not await _rejected(gate, theirs)


async def test_a_token_is_revoked_alone_and_by_its_user_alone(gate: Gate) -> None:
    first = await _opened(gate)
    second = await _refreshed(gate, first)
    stranger = await _opened(gate, await gate.account())
    token_id = gate.signer.verify(first.access_token).token_id
    await gate.sessions.revoke_token(await _context(gate, stranger), token_id)
    assert not await _rejected(gate, first)
    await gate.sessions.revoke_token(await _context(gate, second), token_id)
    assert await _rejected(gate, first)
    assert not await _rejected(gate, second)


@pytest.mark.parametrize("token_id", ["", "x" * 65, "a\nb"])
async def test_what_is_no_token_id_is_refused(gate: Gate, token_id: str) -> None:
    context = await _context(gate, await _opened(gate))
    with pytest.raises(InvalidInput) as refusal:
        await gate.sessions.revoke_token(context, token_id)
    assert refusal.value.field == "token_id"


async def test_an_operator_revokes_a_user_and_nobody_else_does(gate: Gate) -> None:
    operator = await gate.account(operator=True)
    chief = await _context(gate, await _opened(gate, operator, operator=True))
    theirs = await _opened(gate)
    with pytest.raises(OperatorOnly):
        await gate.sessions.revoke_user(await _context(gate, theirs), operator, disable=False)
    gate.clock.advance(timedelta(seconds=2).total_seconds())
    await gate.sessions.revoke_user(chief, gate.home.owner, disable=False)
    assert await _rejected(gate, theirs)
    gate.clock.advance(2)
    assert not await _rejected(gate, await _opened(gate))
    await gate.sessions.revoke_user(chief, gate.home.owner, disable=True)
    with pytest.raises(SessionRefused):
        await _opened(gate)
    with pytest.raises(UserNotFound):
        await gate.sessions.revoke_user(chief, UserId(new_id()), disable=False)


async def test_a_renewed_token_is_an_operators_as_long_as_its_user_is_one(gate: Gate) -> None:
    tokens = await _opened(gate, await gate.account(operator=True), operator=True)
    assert gate.signer.verify((await _refreshed(gate, tokens)).access_token).operator


async def test_nobody_fills_every_process_with_tokens_that_there_never_were(gate: Gate) -> None:
    context = await _context(gate, await _opened(gate))
    told = 0
    with suppress(TooManyAttempts):
        for told in range(1_000):
            await gate.sessions.revoke_token(context, f"made-up-{told}")
    assert 100 <= told < 110
    assert not await _rejected(gate, await _opened(gate))
    gate.clock.advance(60.0)
    await gate.sessions.revoke_token(context, context.claims.token_id)
