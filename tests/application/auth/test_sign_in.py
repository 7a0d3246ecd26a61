"""SignIn: who gets in by a password, who does not, and how often it can be tried."""

import re
from collections.abc import Iterable
from contextlib import suppress

import pytest

from adapters.local.rate_limiter import InProcessRateLimiter
from application.auth.attempts import Attempts, from_here, from_strangers, network_of
from domain.auth.account import EmailInvalid, SignInRefused
from domain.auth.password import PasswordUnfit
from domain.auth.rate import TooManyAttempts
from domain.identifiers import OrganizationId
from domain.tenancy.access import Role
from domain.tenancy.organization import OrganizationNotFound
from fixtures.door import EMAIL, PASSWORD, Door, new_door
from fixtures.identity import CALLER, Gate
from fixtures.making import new_id


@pytest.fixture
def door(gate: Gate) -> Door:
    return new_door(gate)


async def _fail(door: Door, times: int, *, email: str = EMAIL, address: str = "192.0.2.7") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            await door.signed_in(email, "wrong", address=address)


async def test_the_right_password_lets_its_owner_in(door: Door) -> None:
    user = await door.person()
    tokens = await door.signed_in("  Ada@Example.COM ")
    claims = (await door.gate.enter(tokens.access_token)).claims
    assert tokens.user_id == claims.subject == user.user_id
    assert not claims.operator
    assert tokens.refresh_token


async def test_a_sign_in_under_way_does_not_outlast_a_change_of_the_password(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing takes a while, and whoever has the old password may begin at any moment."""
    await door.person()
    context = await door.gate.enter((await door.signed_in()).access_token)
    verify = door.hasher.verify

    async def changed_meanwhile(password: str, kept: str | None) -> bool:
        monkeypatch.undo()
        right = await verify(password, kept)
        await door.change_password(context, current_password=PASSWORD, new_password=f"a {PASSWORD}")
        return right

    monkeypatch.setattr(door.hasher, "verify", changed_meanwhile)
    with pytest.raises(SignInRefused):
        await door.signed_in()
    now = door.gate.clock.now()
    (left,) = await door.gate.stores.sessions.open_sessions(context.user_id, now)
    assert left.session_id == context.claims.session_id
    assert await door.signed_in(password=f"a {PASSWORD}")


async def test_an_operators_token_says_so(door: Door) -> None:
    await door.person(operator=True)
    tokens = await door.signed_in()
    assert (await door.gate.enter(tokens.access_token)).claims.operator


async def test_the_same_password_from_another_keyboard_lets_in_too(door: Door) -> None:
    await door.person(password="zwölf Boxkämpfer jagen")
    assert await door.signed_in(password="zwo\u0308lf Boxka\u0308mpfer jagen")


async def test_nobody_learns_which_of_email_and_password_was_wrong(door: Door) -> None:
    await door.person()
    await door.person("only-oidc@example.com", None)
    told = set()
    for email in (EMAIL, "nobody@example.com", "only-oidc@example.com"):
        with pytest.raises(SignInRefused) as refused:
            await door.signed_in(email, "wrong")
        told.add((refused.value.reason, refused.value.message, refused.value.field))
    assert len(told) == 1


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "only-oidc@example.com"])
async def test_the_same_work_is_done_whether_there_is_an_account_or_not(
    door: Door, email: str
) -> None:
    await door.person()
    await door.person("only-oidc@example.com", None)
    await _fail(door, 1, email=email)
    assert door.hasher.verified == 1


async def test_a_disabled_account_answers_like_a_wrong_password(door: Door) -> None:
    user = await door.person()
    now = door.gate.clock.now()
    await door.gate.stores.sessions.revoke_user(user.user_id, disable=True, now=now)
    with pytest.raises(SignInRefused):
        await door.signed_in()
    assert door.hasher.verified == 1


async def test_what_cannot_be_an_email_or_a_password_is_told_and_not_looked_up(door: Door) -> None:
    with pytest.raises(EmailInvalid):
        await door.signed_in("ada")
    with pytest.raises(PasswordUnfit):
        await door.signed_in(password="x" * 1025)
    assert door.hasher.verified == 0


async def test_a_token_is_bound_to_an_organization_of_the_users_alone(door: Door) -> None:
    home = door.gate.home
    await door.person()
    with pytest.raises(OrganizationNotFound):
        await door.signed_in(organization=home.organization)
    with pytest.raises(OrganizationNotFound):
        await door.signed_in(organization=OrganizationId(new_id()))
    await door.invited("t" * 43)
    await door.accept(invitation_token="t" * 43, password=PASSWORD, display_name="", caller=CALLER)
    tokens = await door.signed_in(organization=home.organization)
    claims = (await door.gate.enter(tokens.access_token)).claims
    assert claims.organization_id == home.organization
    assert claims.spaces == {home.space: Role.EDITOR}


async def test_a_hash_of_yesterdays_parameters_is_renewed_by_signing_in(gate: Gate) -> None:
    yesterday, today = new_door(gate, generation=1), new_door(gate, generation=2)
    await yesterday.person()
    with pytest.raises(SignInRefused):
        await today.signed_in(password="wrong")
    before = await gate.stores.accounts.find(EMAIL)
    assert before is not None
    assert before.password_hash is not None
    assert before.password_hash.startswith("1$")
    await today.signed_in()
    after = await gate.stores.accounts.find(EMAIL)
    assert after is not None
    assert after.password_hash is not None
    assert after.password_hash.startswith("2$")
    assert await today.signed_in()


async def test_after_ten_failures_from_one_network_nothing_is_checked_any_more(door: Door) -> None:
    await door.person()
    await _fail(door, 10)
    with pytest.raises(TooManyAttempts) as refused:
        await door.signed_in()
    assert door.hasher.verified == 10
    assert 1 <= int(refused.value.metadata["retry_after_seconds"]) <= 90


async def test_whoever_waits_may_try_again(door: Door) -> None:
    await door.person()
    await _fail(door, 10)
    door.gate.clock.advance(90)
    assert await door.signed_in()


async def test_failures_are_counted_for_emails_that_nobody_has_too(door: Door) -> None:
    await _fail(door, 10, email="nobody@example.com")
    with pytest.raises(TooManyAttempts):
        await door.signed_in("nobody@example.com", "wrong")


async def test_signing_in_well_counts_as_no_attempt(door: Door) -> None:
    await door.person()
    for _ in range(200):
        await door.signed_in()
    await _fail(door, 10)


async def test_success_does_not_wipe_out_the_failures_beside_it(door: Door) -> None:
    await door.person()
    await _fail(door, 9)
    await door.signed_in()
    await _fail(door, 1)
    with pytest.raises(TooManyAttempts):
        await door.signed_in()


async def test_an_attacker_elsewhere_does_not_lock_the_owner_out(door: Door) -> None:
    await door.person()
    await door.signed_in(address="192.0.2.7")
    refused = 0
    for number in range(300):
        try:
            await door.signed_in(password="wrong", address=f"198.51.100.{number % 250}")
        except (SignInRefused, TooManyAttempts) as error:
            refused += isinstance(error, TooManyAttempts)
    assert refused == 200
    assert await door.signed_in(address="192.0.2.7")


async def test_a_known_network_of_the_owners_is_still_held_to_ten(door: Door) -> None:
    await door.person()
    await door.signed_in()
    await _fail(door, 10)
    with pytest.raises(TooManyAttempts):
        await door.signed_in()


async def test_names_that_are_made_up_do_not_push_out_what_is_counted(gate: Gate) -> None:
    attempts = Attempts(InProcessRateLimiter(gate.clock, most_keys=100))

    async def passed(names: Iterable[str]) -> int:
        count = 0
        for name in names:
            with suppress(TooManyAttempts):
                await attempts.begin(*from_here("sign-in", name, CALLER.address))
                count += 1
        return count

    assert await passed(f"{number}@example.com" for number in range(1_000)) == 60
    assert await passed([EMAIL] * 20) == 0


async def test_one_network_cannot_try_many_emails(door: Door) -> None:
    for number in range(60):
        await _fail(door, 1, email=f"somebody-{number}@example.com")
    with pytest.raises(TooManyAttempts):
        await door.signed_in("another@example.com", "wrong")
    await _fail(door, 1, email="another@example.com", address="198.51.100.1")


async def test_an_address_that_nobody_knows_does_not_stand_for_everybody(door: Door) -> None:
    await door.person()
    for number in range(80):
        await _fail(door, 1, email=f"somebody-{number}@example.com", address="")
    assert await door.signed_in(address="")


async def test_all_addresses_of_one_household_are_one(door: Door) -> None:
    await door.person()
    for number in range(10):
        await _fail(door, 1, address=f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyAttempts):
        await door.signed_in(address="2001:db8:1:2:ffff::1")
    assert await door.signed_in(address="2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_network_is_what_one_household_has(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_counts_are_kept_under_names_that_say_nothing() -> None:
    keys = [attempt.key for attempt in (*from_here("x", EMAIL, "192.0.2.7"), from_strangers(EMAIL))]
    assert len(set(keys)) == 3
    assert all(re.fullmatch("[0-9a-f]{40}", key) for key in keys)
