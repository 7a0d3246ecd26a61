"""ExchangeClientCredentials: a service's secret, and the local operator's, for a token."""

import pytest

from application.auth.local_operator import LOCAL_OPERATOR, ensure_local_operator
from domain.auth.account import SecretRefused
from domain.auth.rate import TooManyAttempts
from domain.identifiers import UserId
from domain.tenancy.access import Role
from fixtures.door import LOCAL_SECRET, Door, new_door
from fixtures.identity import CALLER, Gate
from fixtures.making import new_id
from fixtures.people import served


@pytest.fixture
def door(gate: Gate) -> Door:
    return new_door(gate)


async def test_a_service_gets_a_token_of_its_organization_that_cannot_be_renewed(
    door: Door,
) -> None:
    home = door.gate.home
    service = await served(door.gate.stores, home, Role.ADMIN)
    tokens = await door.exchange(client_id=service, client_secret="secret", caller=CALLER)
    claims = (await door.gate.enter(tokens.access_token, home.space)).claims
    assert (claims.subject, claims.organization_id) == (service, home.organization)
    assert claims.spaces == {home.space: Role.ADMIN}
    assert not claims.operator
    assert tokens.refresh_token is None


@pytest.mark.parametrize("secret", ["", "Secret", "secret ", "s" * 5000])
async def test_another_secret_is_refused(door: Door, secret: str) -> None:
    service = await served(door.gate.stores, door.gate.home, Role.VIEWER)
    with pytest.raises(SecretRefused):
        await door.exchange(client_id=service, client_secret=secret, caller=CALLER)


async def test_an_unknown_and_a_revoked_service_answer_alike(door: Door) -> None:
    stores, home = door.gate.stores, door.gate.home
    service = await served(stores, home, Role.VIEWER)
    await stores.clients.revoke(home.organization, service)
    told = set()
    for client in (service, UserId(new_id()), home.owner):
        with pytest.raises(SecretRefused) as refused:
            await door.exchange(client_id=client, client_secret="secret", caller=CALLER)
        told.add((refused.value.reason, refused.value.message))
    assert len(told) == 1


async def test_a_secret_cannot_be_guessed_for_long(door: Door) -> None:
    service = await served(door.gate.stores, door.gate.home, Role.VIEWER)
    for _ in range(10):
        with pytest.raises(SecretRefused):
            await door.exchange(client_id=service, client_secret="guess", caller=CALLER)
    with pytest.raises(TooManyAttempts):
        await door.exchange(client_id=service, client_secret="secret", caller=CALLER)


async def test_a_service_may_come_as_often_as_it_likes(door: Door) -> None:
    service = await served(door.gate.stores, door.gate.home, Role.VIEWER)
    for _ in range(100):
        await door.exchange(client_id=service, client_secret="secret", caller=CALLER)


async def test_the_local_operator_runs_the_installation_and_is_bound_to_no_organization(
    door: Door,
) -> None:
    await ensure_local_operator(door.gate.stores.accounts, door.gate.clock)
    tokens = await door.exchange(
        client_id=LOCAL_OPERATOR, client_secret=LOCAL_SECRET, caller=CALLER
    )
    claims = (await door.gate.enter(tokens.access_token)).claims
    assert claims.operator
    assert claims.organization_id is None


async def test_without_a_local_operator_its_secret_opens_nothing(gate: Gate) -> None:
    door = new_door(gate, with_local=False)
    await ensure_local_operator(gate.stores.accounts, gate.clock)
    for secret in (LOCAL_SECRET, "", "\0" * 32):
        with pytest.raises(SecretRefused):
            await door.exchange(client_id=LOCAL_OPERATOR, client_secret=secret, caller=CALLER)


async def test_the_local_operator_is_made_once(door: Door) -> None:
    accounts = door.gate.stores.accounts
    await ensure_local_operator(accounts, door.gate.clock)
    first = await accounts.get(LOCAL_OPERATOR)
    door.gate.clock.advance(60)
    await ensure_local_operator(accounts, door.gate.clock)
    assert first is not None
    assert first == await accounts.get(LOCAL_OPERATOR)
    assert (first.user.email, first.user.operator, first.password_hash) == (None, True, None)
