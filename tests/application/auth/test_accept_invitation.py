"""AcceptInvitation: with a new account, or with the one that there is."""

import pytest

from domain.auth.account import InvitationRefused, SignInRefused
from domain.auth.password import PasswordUnfit
from domain.auth.rate import TooManyAttempts
from domain.auth.session import TokenSet
from domain.errors import InvalidInput, ObeliskError
from domain.tenancy.access import Role
from domain.tenancy.invitation import LIFETIME, InvitationNotFound
from fixtures.door import EMAIL, PASSWORD, Door, new_door
from fixtures.identity import CALLER, Gate, new_gate

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
    with pytest.raises(InvitationRefused):
        await _accept(door, password="another password")
    assert await _accept(door)


async def test_an_account_of_a_provider_is_told_what_to_do(door: Door) -> None:
    await door.person(password=None)
    await door.invited(TOKEN)
    with pytest.raises(InvitationRefused, match="ChangePassword"):
        await _accept(door)


async def test_the_password_of_an_account_cannot_be_guessed_by_an_invitation(door: Door) -> None:
    await door.person()
    await door.invited(TOKEN)
    for _ in range(10):
        with pytest.raises(InvitationRefused):
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
        await _accept(door, name="x" * 201)
    with pytest.raises(InvitationRefused, match="display name"):
        await _accept(door, name="")
    assert await door.gate.stores.accounts.find(EMAIL) is None
    assert await _accept(door)


@pytest.mark.parametrize(
    ("password", "name", "refusal"),
    [
        ("another password", "", InvitationRefused),
        ("short", "", PasswordUnfit),
        ("short", "Ada", PasswordUnfit),
        (EMAIL, "Ada", PasswordUnfit),
        ("another password", "A\u202eda", InvalidInput),
        ("another password", "x" * 201, InvalidInput),
    ],
)
async def test_no_refusal_tells_whether_there_is_an_account(
    password: str, name: str, refusal: type[ObeliskError]
) -> None:
    answers = set()
    for account in ("none", "password", "provider", "disabled"):
        async with new_gate() as gate:
            door = new_door(gate)
            await _has(door, account)
            await door.invited(TOKEN)
            looked = door.hasher.verified
            with pytest.raises(refusal) as told:
                await _accept(door, password=password, name=name)
            looks = door.hasher.verified - looked
            answers.add((type(told.value), told.value.message, told.value.field, looks))
    assert len(answers) == 1


async def _has(door: Door, account: str) -> None:
    if account == "none":
        return
    user = await door.person(password=None if account == "provider" else PASSWORD)
    if account == "disabled":
        now = door.gate.clock.now()
        await door.gate.stores.sessions.revoke_user(user.user_id, disable=True, now=now)


async def test_as_many_guesses_are_allowed_without_an_account(door: Door) -> None:
    await door.invited(TOKEN)
    for _ in range(10):
        with pytest.raises(InvitationRefused):
            await _accept(door, name="")
    with pytest.raises(TooManyAttempts):
        await _accept(door, name="")


async def test_whoever_makes_an_account_has_failed_at_nothing(door: Door) -> None:
    await door.invited(TOKEN)
    await _accept(door)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            await door.signed_in(password="another password")


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
