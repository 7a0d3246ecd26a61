"""Accounts: another password, who one is, and people who are added."""

import pytest

from application.context import RequestContext
from domain.auth.account import EmailInvalid, EmailTaken, SignInRefused, UserNotFound
from domain.auth.claims import TokenRejected
from domain.auth.password import PasswordNotPossible, PasswordUnfit, PasswordWrong, SignInTooOld
from domain.auth.rate import TooManyAttempts
from domain.errors import InvalidInput
from domain.tenancy.access import Role
from fixtures.door import EMAIL, PASSWORD, Door, new_door
from fixtures.house import context_of
from fixtures.identity import CALLER, Gate
from fixtures.making import new_home
from fixtures.people import served
from fixtures.stores import memory_stores

NEW = "cactus under marble"


@pytest.fixture
def door(gate: Gate) -> Door:
    return new_door(gate)


async def _change(door: Door, context: RequestContext, current: str, new: str = NEW) -> None:
    await door.change_password(context, current_password=current, new_password=new)


async def test_a_new_password_replaces_the_old_one(door: Door) -> None:
    await door.person()
    context = await door.gate.enter((await door.signed_in()).access_token)
    await _change(door, context, PASSWORD)
    with pytest.raises(SignInRefused):
        await door.signed_in()
    assert await door.signed_in(password=NEW)


async def test_every_other_session_ends_with_the_old_password(door: Door) -> None:
    await door.person()
    other, mine = await door.signed_in(), await door.signed_in()
    await _change(door, await door.gate.enter(mine.access_token), PASSWORD)
    await door.gate.later()
    assert await door.gate.enter(mine.access_token)
    with pytest.raises(TokenRejected):
        await door.gate.enter(other.access_token)


@pytest.mark.parametrize("current", ["", "another password"])
async def test_a_stolen_token_alone_sets_no_password(door: Door, current: str) -> None:
    await door.person()
    context = await door.gate.enter((await door.signed_in()).access_token)
    with pytest.raises(PasswordWrong):
        await _change(door, context, current)
    assert await door.signed_in()


async def test_the_current_password_cannot_be_guessed_for_long(door: Door) -> None:
    await door.person()
    context = await door.gate.enter((await door.signed_in()).access_token)
    for _ in range(10):
        with pytest.raises(PasswordWrong):
            await _change(door, context, "another password")
    with pytest.raises(TooManyAttempts):
        await _change(door, context, PASSWORD)


async def test_a_poor_new_password_is_refused_and_nothing_changes(door: Door) -> None:
    await door.person()
    context = await door.gate.enter((await door.signed_in()).access_token)
    with pytest.raises(PasswordUnfit) as refused:
        await _change(door, context, PASSWORD, "password1234")
    assert refused.value.field == "new_password"
    assert await door.signed_in()


async def test_whoever_has_none_yet_sets_a_first_one(door: Door) -> None:
    user = await door.person(password=None)
    tokens = await door.gate.sessions.open(user=user.user_id, organization=None, caller=CALLER)
    context = await door.gate.enter(tokens.access_token)
    with pytest.raises(PasswordWrong):
        await _change(door, context, "a guess at nothing")
    await _change(door, context, "")
    assert await door.signed_in(password=NEW)


async def test_a_first_password_is_set_by_whoever_has_just_come_in(door: Door) -> None:
    user = await door.person(password=None)
    tokens = await door.gate.sessions.open(user=user.user_id, organization=None, caller=CALLER)
    door.gate.clock.advance(10 * 60 + 1)
    assert tokens.refresh_token is not None
    renewed = await door.gate.sessions.refresh(tokens.refresh_token, None, CALLER)
    with pytest.raises(SignInTooOld, match="sign in again"):
        await _change(door, await door.gate.enter(renewed.access_token), "")
    account = await door.gate.stores.accounts.get(user.user_id)
    assert account is not None
    assert account.password_hash is None
    again = await door.gate.sessions.open(user=user.user_id, organization=None, caller=CALLER)
    door.gate.clock.advance(10 * 60)
    await _change(door, await door.gate.enter(again.access_token), "")
    assert await door.signed_in(password=NEW)


async def test_a_service_has_no_password(door: Door) -> None:
    service = await served(door.gate.stores, door.gate.home, Role.VIEWER)
    tokens = await door.exchange(client_id=service, client_secret="secret", caller=CALLER)
    with pytest.raises(PasswordNotPossible):
        await _change(door, await door.gate.enter(tokens.access_token), "")


async def test_the_caller_is_known_as_a_person_or_as_a_service(door: Door) -> None:
    user = await door.person()
    tokens = await door.signed_in()
    assert await door.current_user(await door.gate.enter(tokens.access_token)) == user
    service = await served(door.gate.stores, door.gate.home, Role.VIEWER, name="Importer")
    tokens = await door.exchange(client_id=service, client_secret="secret", caller=CALLER)
    known = await door.current_user(await door.gate.enter(tokens.access_token))
    assert (known.user_id, known.email, known.display_name) == (service, None, "Importer")
    assert not known.operator


async def test_a_caller_without_an_account_is_nobody(door: Door) -> None:
    elsewhere = await new_home(memory_stores().tenancy)
    with pytest.raises(UserNotFound):
        await door.current_user(context_of(elsewhere, None))


async def test_a_new_account_is_checked_before_it_is_kept(door: Door) -> None:
    with pytest.raises(EmailInvalid):
        await door.person("ada")
    with pytest.raises(PasswordUnfit):
        await door.person(password="short")
    with pytest.raises(InvalidInput, match="display name"):
        await door.new_account(email=EMAIL, display_name=" ", password=None)
    assert await door.gate.stores.accounts.find(EMAIL) is None
    await door.person()
    with pytest.raises(EmailTaken):
        await door.person("ADA@example.com")
