"""Authenticate: where every transport is let in."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from math import inf

import pytest
import pytest_asyncio

from adapters.crypto.token_signer import Rs256TokenSigner
from application.auth.authenticate import Authenticate
from application.auth.authority import AuthorityUnknown
from application.context import RequestContext, SpaceHeaderMissing
from domain.auth.claims import TokenMissing, TokenRejected
from domain.auth.session import TokenSet
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, SpaceId
from domain.tenancy.access import Role
from domain.tenancy.space import SpaceNotFound
from fixtures.identity import CALLER, Gate
from fixtures.keys import POLICY, chain_of, pair
from fixtures.making import new_home, new_id, organization, space
from fixtures.people import joined, joined_space


@pytest_asyncio.fixture
async def tokens(gate: Gate) -> AsyncIterator[TokenSet]:
    """The owner's, bound to the only organization there is."""
    yield await gate.sessions.open(user=gate.home.owner, organization=None, caller=CALLER)


async def _unbound(gate: Gate) -> str:
    opened = await gate.sessions.open(
        user=gate.home.owner, organization=None, caller=CALLER, bound=False
    )
    return opened.access_token


async def _enter(
    gate: Gate, authorization: str | None, space: str | None, *, needs_space: bool = True
) -> RequestContext:
    return await gate.authenticate(
        authorization=authorization, space_header=space, caller=CALLER, needs_space=needs_space
    )


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_a_member_enters_with_the_role_of_the_space(
    gate: Gate, tokens: TokenSet, scheme: str
) -> None:
    context = await _enter(gate, scheme + tokens.access_token, str(gate.home.space))
    assert context.user_id == gate.home.owner
    assert context.caller == CALLER
    assert context.space is not None
    assert (context.space.space_id, context.space.role) == (gate.home.space, Role.OWNER)
    assert context.space.organization_id == gate.home.organization


async def test_a_token_that_holds_lets_in_without_a_single_query(
    gate: Gate, tokens: TokenSet
) -> None:
    gate.tenancy.asked.clear()
    reads = gate.feed.reads
    for _ in range(20):
        await gate.enter(tokens.access_token, gate.home.space)
        for strange in (SpaceId(new_id()), (await new_home(gate.stores.tenancy)).space):
            with pytest.raises(SpaceNotFound):
                await gate.enter(tokens.access_token, strange)
    assert gate.tenancy.asked == {}
    assert gate.feed.reads == reads


async def test_a_token_without_spaces_is_looked_up_once(gate: Gate) -> None:
    token = await _unbound(gate)
    gate.tenancy.asked.clear()
    for _ in range(5):
        context = await gate.enter(token, gate.home.space)
        assert context.space is not None
        assert context.space.role is Role.OWNER
    assert gate.tenancy.asked == {"access_to": 1}


async def test_a_call_without_a_space_needs_none_and_looks_at_none(
    gate: Gate, tokens: TokenSet
) -> None:
    context = await _enter(gate, f"Bearer {tokens.access_token}", "nonsense", needs_space=False)
    assert context.space is None


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic dXNlcjpwYXNz", "token"])
async def test_without_a_token_there_is_no_identity(gate: Gate, authorization: str | None) -> None:
    with pytest.raises(TokenMissing) as refusal:
        await _enter(gate, authorization, str(gate.home.space))
    assert refusal.value.field == "authorization"


@pytest.mark.parametrize("given", ["", " ", "x.y.z", "{token}x", "{token} {token}"])
async def test_a_token_that_is_not_ours_is_rejected(
    gate: Gate, tokens: TokenSet, given: str
) -> None:
    with pytest.raises(TokenRejected):
        await gate.enter(given.format(token=tokens.access_token), gate.home.space)


@pytest.mark.parametrize("space_header", [None, ""])
async def test_a_call_that_needs_a_space_says_so(
    gate: Gate, tokens: TokenSet, space_header: str | None
) -> None:
    with pytest.raises(SpaceHeaderMissing):
        await _enter(gate, f"Bearer {tokens.access_token}", space_header)


@pytest.mark.parametrize("space_header", ["nordlys", "1234", "' or true --"])
async def test_a_space_that_is_no_uuid_is_refused(
    gate: Gate, tokens: TokenSet, space_header: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await _enter(gate, f"Bearer {tokens.access_token}", space_header)
    assert refusal.value.field == "x-space-id"


@pytest.mark.parametrize("bound", [True, False])
async def test_a_foreign_space_answers_like_one_that_does_not_exist(
    gate: Gate, tokens: TokenSet, bound: bool
) -> None:
    token = tokens.access_token if bound else await _unbound(gate)
    foreign = await new_home(gate.stores.tenancy)
    answers = set()
    for strange in (foreign.space, SpaceId(new_id())):
        with pytest.raises(SpaceNotFound) as refusal:
            await gate.enter(token, strange)
        answers.add((str(refusal.value), refusal.value.reason, refusal.value.field))
    assert len(answers) == 1


async def test_the_token_is_looked_at_before_the_space(gate: Gate) -> None:
    with pytest.raises(TokenRejected):
        await _enter(gate, "Bearer x", None)


async def test_a_token_bound_to_one_organization_opens_nothing_in_another(
    gate: Gate, tokens: TokenSet
) -> None:
    other, there = organization(OrganizationId(new_id())), SpaceId(new_id())
    await gate.stores.tenancy.add_organization(other, gate.home.owner)
    await gate.stores.tenancy.add_space(space(other.organization_id, there), gate.home.owner)
    for _ in range(2):  # current by what was known, then stale
        with pytest.raises(SpaceNotFound):
            await gate.enter(tokens.access_token, there)
        await gate.later()
    assert (await gate.enter(await _unbound(gate), there)).space is not None


async def test_a_stale_token_tells_who_somebody_is_and_nothing_else(gate: Gate) -> None:
    member = await joined(gate.stores, gate.home, Role.EDITOR, inside=Role.EDITOR)
    opened = await gate.sessions.open(user=member, organization=None, caller=CALLER)
    token = opened.access_token
    before = await gate.enter(token, gate.home.space)
    assert before.space is not None
    assert before.space.role is Role.EDITOR
    assert before.claims.permissions

    await joined_space(gate.stores, gate.home, member, Role.VIEWER)
    await gate.later()
    after = await gate.enter(token, gate.home.space)
    assert after.user_id == member
    assert after.space is not None
    assert after.space.role is Role.VIEWER
    assert after.claims.permissions == frozenset()
    assert after.claims.spaces is None
    assert after.claims.organization_id == gate.home.organization


async def test_a_removed_member_is_out_with_the_next_request(gate: Gate) -> None:
    member = await joined(gate.stores, gate.home, Role.EDITOR, inside=Role.EDITOR)
    opened = await gate.sessions.open(user=member, organization=None, caller=CALLER)
    assert (await gate.enter(opened.access_token, gate.home.space)).space is not None
    await gate.stores.members.change(gate.home.organization, gate.home.owner, member, None)
    await gate.later()
    with pytest.raises(SpaceNotFound):
        await gate.enter(opened.access_token, gate.home.space)


async def test_a_standing_that_was_looked_up_dies_with_its_epoch(gate: Gate) -> None:
    member = await joined(gate.stores, gate.home, Role.EDITOR, inside=Role.EDITOR)
    opened = await gate.sessions.open(user=member, organization=None, caller=CALLER, bound=False)
    assert (await gate.enter(opened.access_token, gate.home.space)).space is not None
    await gate.stores.members.change(gate.home.organization, gate.home.owner, member, None)
    await gate.later()
    with pytest.raises(SpaceNotFound):
        await gate.enter(opened.access_token, gate.home.space)


async def test_whoever_gains_a_space_enters_it_with_the_token_at_hand(
    gate: Gate, tokens: TokenSet
) -> None:
    new = SpaceId(new_id())
    await gate.stores.tenancy.add_space(space(gate.home.organization, new), gate.home.owner)
    await gate.later()
    assert (await gate.enter(tokens.access_token, new)).space is not None


async def test_nobody_is_let_in_by_what_cannot_be_known(
    gate: Gate, tokens: TokenSet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    gate.feed.away = True
    await gate.later()
    with pytest.raises(AuthorityUnknown):
        await gate.enter(tokens.access_token, gate.home.space)


async def test_a_key_that_another_process_made_is_looked_for_once(
    gate: Gate, tokens: TokenSet
) -> None:
    looked: list[None] = []
    signer = Rs256TokenSigner(issuer="us", audience="us", clock=gate.clock, policy=POLICY)

    async def look() -> None:
        looked.append(None)
        began = gate.clock.now() - timedelta(days=1)
        await signer.learn([pair(0)], chain_of(began), fresh_until=inf)

    authenticate = Authenticate(
        signer=signer, refresh_keys=look, authority=gate.authority, contexts=gate.contexts
    )
    for _ in range(2):
        context = await authenticate(
            authorization=f"Bearer {tokens.access_token}",
            space_header=None,
            caller=CALLER,
            needs_space=False,
        )
        assert context.user_id == gate.home.owner
    assert len(looked) == 1
