"""AcceptInvitation: with a new account, or with the one that there is."""

import pytest

from domain.auth.account import AccountHasNoPassword, SignInRefused
from domain.auth.password import PasswordUnfit
from domain.auth.rate import TooManyAttempts
from domain.auth.session import TokenSet
from domain.errors import InvalidInput
from domain.tenancy.access import Role
from domain.tenancy.invitation import LIFETIME, InvitationNotFound
from fixtures.door import EMAIL, PASSWORD, Door, new_door
from fixtures.identity import CALLER, Gate

TOKEN = "t" * 43


@pytest.fixture
def door(gate: Gate) -> Door:
    return new_door(gate)


async def _accept(door: Door, *, password: str = PASSWORD, name: str = "Ada") -> TokenSet:
    return await door.accept(
        invitation_token=TOKEN, password=password, display_name=name, caller=CALLER
    )


async def test_somebody_new_gets_an_account_and_is_in(door: Door) -> None:
    await door.invited(TOKEN)
    tokens = await _accept(door)
    claims = (await door.gate.enter(tokens.access_token, door.gate.home.space)).claims
    assert claims.organization_id == door.gate.home.organization
    assert claims.spaces == {door.gate.home.space: Role.EDITOR}
    account = await door.gate.stores.accounts.find(EMAIL)
    assert account is not None
    assert (account.user.user_id, account.user.display_name) == (claims.subject, "Ada")
    assert not account.user.operator
    assert (await door.signed_in()).user_id == claims.subject


async def test_whoever_has_an_account_joins_with_its_password(door: Door) -> None:
    user = await door.person()
    await door.invited(TOKEN)
    tokens = await _accept(door, name="")
    assert tokens.user_id == user.user_id
    assert tokens.organization_id == door.gate.home.organization


async def test_an_invitation_alone_does_not_open_an_account_that_there_is(door: Door) -> None:
    await door.person()
    await door.invited(TOKEN)
    with pytest.raises(SignInRefused):
        await _accept(door, password="another password")
    with pytest.raises(SignInRefused):
        await _accept(door, password="")
    assert await _accept(door)


async def test_an_account_of_a_provider_is_told_what_to_do(door: Door) -> None:
    await door.person(password=None)
    await door.invited(TOKEN)
    with pytest.raises(AccountHasNoPassword, match="ChangePassword"):
        await _accept(door)


async def test_the_password_of_an_account_cannot_be_guessed_by_an_invitation(door: Door) -> None:
    await door.person()
    await door.invited(TOKEN)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            await _accept(door, password="a guess at it")
    with pytest.raises(TooManyAttempts):
        await _accept(door)


async def test_an_invitation_works_once(door: Door) -> None:
    await door.invited(TOKEN)
    await _accept(door)
    with pytest.raises(InvitationNotFound):
        await _accept(door)


async def test_an_unknown_and_an_old_invitation_answer_alike(door: Door) -> None:
    with pytest.raises(InvitationNotFound) as unknown:
        await _accept(door)
    await door.invited(TOKEN)
    door.gate.clock.advance(LIFETIME.total_seconds())
    with pytest.raises(InvitationNotFound) as old:
        await _accept(door)
    assert str(unknown.value) == str(old.value)


async def test_what_will_not_do_for_a_new_account_leaves_the_invitation_open(door: Door) -> None:
    await door.invited(TOKEN)
    with pytest.raises(PasswordUnfit):
        await _accept(door, password="short")
    with pytest.raises(InvalidInput, match="display name"):
        await _accept(door, name="")
    assert await door.gate.stores.accounts.find(EMAIL) is None
    assert await _accept(door)


async def test_the_answer_waits_until_every_process_knows(door: Door) -> None:
    await door.invited(TOKEN)
    before = len(door.gate.settled)
    await _accept(door)
    assert len(door.gate.settled) == before + 1


async def test_invitations_cannot_be_guessed(door: Door) -> None:
    for number in range(60):
        with pytest.raises(InvitationNotFound):
            await door.accept(
                invitation_token=f"guess-{number}",
                password=PASSWORD,
                display_name="Eve",
                caller=CALLER,
            )
    with pytest.raises(TooManyAttempts):
        await _accept(door)
