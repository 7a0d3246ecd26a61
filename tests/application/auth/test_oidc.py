"""StartOidc and FinishOidc: whom a provider's word lets in, and which answers count."""

import base64
from dataclasses import replace
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.auth.account import SignInRefused
from domain.auth.claims import TokenRejected
from domain.auth.oidc import (
    EmailNotVerified,
    LinkedToAnother,
    NotInvited,
    OidcPerson,
    OidcProvider,
    OidcProviderNotFound,
    OidcRefused,
    OidcUnavailable,
    RedirectNotAllowed,
    code_challenge,
)
from domain.auth.rate import TooManyAttempts
from domain.auth.session import RefreshTokenRejected
from domain.tenancy.access import Role
from domain.tenancy.invitation import LIFETIME
from fixtures.door import ACME, BACK, EMAIL, OPEN, PASSWORD, Door, new_door
from fixtures.identity import CALLER, Gate

ADA = OidcPerson(subject="subject-1", email=EMAIL, email_verified=True, display_name="Ada L.")


@pytest.fixture
def door(gate: Gate) -> Door:
    return new_door(gate)


async def _started(door: Door, provider: OidcProvider = ACME) -> tuple[str, str]:
    return await door.start_oidc(provider=provider.name, redirect_uri=BACK, caller=CALLER)


async def _finish(door: Door, state: str, code: str, issuer: str = ACME.issuer) -> None:
    await door.finish_oidc(state=state, code=code, issuer=issuer, caller=CALLER)


async def test_whoever_has_an_account_is_let_in_by_a_verified_email(door: Door) -> None:
    user = await door.person(operator=True)
    tokens = await door.through(ADA)
    claims = (await door.gate.enter(tokens.access_token)).claims
    assert tokens.user_id == claims.subject == user.user_id
    assert claims.operator
    assert tokens.refresh_token


async def test_once_linked_the_subject_counts_and_no_email_any_more(door: Door) -> None:
    user = await door.person()
    await door.through(ADA)
    for changed in (
        replace(ADA, email="new@example.com"),
        replace(ADA, email=None, email_verified=False),
    ):
        assert (await door.through(changed)).user_id == user.user_id


async def test_whoever_gets_the_email_of_somebody_else_gets_no_account_by_it(door: Door) -> None:
    user = await door.person()
    await door.through(ADA)
    await door.given_password(user)
    with pytest.raises(LinkedToAnother):
        await door.through(replace(ADA, subject="subject-2"))
    assert await door.signed_in(), "the owner's password stays"
    assert (await door.through(ADA)).user_id == user.user_id


async def test_whoever_made_an_account_of_a_strangers_email_is_put_out_when_the_stranger_comes(
    door: Door,
) -> None:
    await door.invited("t" * 43)
    squatter = await door.accept(
        invitation_token="t" * 43, password=PASSWORD, display_name="Mallory", caller=CALLER
    )
    owner = await door.through(ADA)
    assert owner.user_id == squatter.user_id
    with pytest.raises(SignInRefused):
        await door.signed_in()
    with pytest.raises(TokenRejected):
        await door.gate.enter(squatter.access_token)
    assert squatter.refresh_token is not None
    with pytest.raises(RefreshTokenRejected):
        await door.gate.sessions.refresh(squatter.refresh_token, None, CALLER)
    assert await door.gate.enter(owner.access_token)


async def test_a_password_set_by_the_known_owner_survives_another_provider(door: Door) -> None:
    user = await door.person("ada@open.example")
    ada = replace(ADA, email="ada@open.example")
    await door.through(ada)
    await door.given_password(user)
    assert (await door.through(ada, OPEN)).user_id == user.user_id
    assert await door.signed_in("ada@open.example")


async def test_the_same_subject_at_another_provider_is_somebody_else(door: Door) -> None:
    await door.person()
    await door.through(ADA)
    stranger = replace(ADA, email="eve@open.example")
    assert (await door.through(stranger, OPEN)).user_id != (await door.through(ADA)).user_id


@pytest.mark.parametrize(
    "person",
    [
        replace(ADA, email_verified=False),
        replace(ADA, email=None),
        replace(ADA, email="Ada <ada@example.com>"),
        replace(ADA, email="ada@example.com\n@evil.example"),
    ],
    ids=lambda person: str(person.email),
)
async def test_an_email_that_is_not_vouched_for_links_nothing(
    door: Door, person: OidcPerson
) -> None:
    await door.person()
    with pytest.raises(EmailNotVerified):
        await door.through(person)
    assert await door.gate.stores.oidc.user_of(ACME.issuer, ADA.subject) is None


async def test_a_provider_vouches_only_for_the_domains_that_it_may(door: Door) -> None:
    await door.person()
    with pytest.raises(EmailNotVerified):
        await door.through(ADA, OPEN)


async def test_a_stranger_stays_outside_and_gets_no_account(door: Door) -> None:
    with pytest.raises(NotInvited):
        await door.through(ADA)
    assert await door.gate.stores.accounts.find(EMAIL) is None


async def test_whoever_is_invited_joins_by_signing_in(door: Door) -> None:
    await door.invited("t" * 43)
    tokens = await door.through(ADA)
    claims = (await door.gate.enter(tokens.access_token)).claims
    assert claims.organization_id == door.gate.home.organization
    assert claims.spaces == {door.gate.home.space: Role.EDITOR}
    account = await door.gate.stores.accounts.find(EMAIL)
    assert account is not None
    assert (account.user.display_name, account.password_hash) == ("Ada L.", None)
    assert door.gate.settled


async def test_an_invitation_that_is_over_lets_nobody_in(door: Door) -> None:
    await door.invited("t" * 43)
    door.gate.clock.advance(LIFETIME.total_seconds())
    with pytest.raises(NotInvited):
        await door.through(ADA)


async def test_anyone_joins_where_the_settings_say_so(door: Door) -> None:
    newcomer = OidcPerson(
        subject="s", email="Eve@Open.example", email_verified=True, display_name="\u202e\x00"
    )
    tokens = await door.through(newcomer, OPEN)
    account = await door.gate.stores.accounts.find("eve@open.example")
    assert account is not None
    assert account.user.user_id == tokens.user_id
    assert account.user.display_name == "eve"
    assert not account.user.operator


async def test_a_disabled_account_stays_outside_linked_or_not(door: Door) -> None:
    user = await door.person()
    await door.through(ADA)
    now = door.gate.clock.now()
    await door.gate.stores.sessions.revoke_user(user.user_id, disable=True, now=now)
    for subject in ("subject-1", "subject-2"):
        with pytest.raises(SignInRefused):
            await door.through(replace(ADA, subject=subject))


async def test_a_state_works_once(door: Door) -> None:
    await door.person()
    url, state = await _started(door)
    await _finish(door, state, door.provider.visit(url, ADA))
    with pytest.raises(OidcRefused):
        await _finish(door, state, door.provider.visit(url, ADA))


async def test_a_state_is_used_up_by_a_code_that_does_not_hold_too(door: Door) -> None:
    await door.person()
    url, state = await _started(door)
    with pytest.raises(OidcRefused):
        await _finish(door, state, "a guess")
    with pytest.raises(OidcRefused):
        await _finish(door, state, door.provider.visit(url, ADA))


async def test_a_state_is_over_after_ten_minutes(door: Door) -> None:
    await door.person()
    assert await door.through(ADA, minutes=9.9)
    with pytest.raises(OidcRefused):
        await door.through(ADA, minutes=10)


@pytest.mark.parametrize("state", ["", "s" * 43, "\ud800", "x" * 10_000])
async def test_a_state_that_nobody_gave_is_refused(door: Door, state: str) -> None:
    with pytest.raises(OidcRefused):
        await _finish(door, state, "code-1")


async def test_one_persons_code_does_not_fit_anothers_state(door: Door) -> None:
    await door.person()
    mine, theirs = await _started(door), await _started(door)
    with pytest.raises(OidcRefused):
        await _finish(door, mine[1], door.provider.visit(theirs[0], ADA))


async def test_an_answer_of_another_provider_is_refused(door: Door) -> None:
    await door.person()
    url, state = await _started(door)
    with pytest.raises(OidcRefused):
        await _finish(door, state, door.provider.visit(url, ADA), OPEN.issuer)
    url, state = await _started(door)
    other, _ = await _started(door, OPEN)
    with pytest.raises(OidcRefused):
        await _finish(door, state, door.provider.visit(other, ADA), "")


async def test_each_sign_in_has_a_state_a_nonce_and_a_challenge_of_its_own(door: Door) -> None:
    seen: set[str] = set()
    for _ in range(3):
        url, state = await _started(door)
        asked = parse_qs(urlsplit(url).query)
        assert asked["state"] == [state]
        seen |= {state, asked["nonce"][0], asked["code_challenge"][0]}
    assert len(seen) == 9
    assert all(len(one) == 43 for one in seen)


async def test_what_is_kept_of_a_sign_in_is_found_by_its_hash_and_sealed(door: Door) -> None:
    url, state = await _started(door)
    store, now = door.gate.stores.oidc, door.gate.clock.now()
    assert await store.take(state.encode(), now) is None
    kept = await store.take(sha256(state.encode()).digest(), now)
    assert kept is not None
    nonce = parse_qs(urlsplit(url).query)["nonce"][0]
    assert kept[0] == "acme"
    assert nonce.encode() not in kept[1]


async def test_only_what_the_settings_name_can_be_asked_for(door: Door) -> None:
    with pytest.raises(OidcProviderNotFound):
        await door.start_oidc(provider="evil", redirect_uri=BACK, caller=CALLER)
    for uri in ("https://evil.example/back", f"{BACK}/", f"{BACK}?x=1", ""):
        with pytest.raises(RedirectNotAllowed):
            await door.start_oidc(provider="acme", redirect_uri=uri, caller=CALLER)


async def test_a_provider_that_is_down_is_told_as_such(door: Door) -> None:
    door.provider.down = True
    with pytest.raises(OidcUnavailable, match="'acme'"):
        await _started(door)


async def test_nobody_begins_without_end(door: Door) -> None:
    for _ in range(120):
        await _started(door)
    with pytest.raises(TooManyAttempts):
        await _started(door)


async def test_an_account_that_came_by_a_provider_can_get_a_password(door: Door) -> None:
    await door.invited("t" * 43)
    context = await door.gate.enter((await door.through(ADA)).access_token)
    await door.change_password(context, current_password="", new_password=PASSWORD)
    assert await door.signed_in()


def test_a_challenge_is_the_one_of_the_standard() -> None:
    """Source: RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert base64.urlsafe_b64decode(code_challenge(verifier) + "=")


def test_a_provider_that_lets_anyone_join_says_of_which_domains() -> None:
    with pytest.raises(ValueError, match="of which domains"):
        replace(OPEN, email_domains=frozenset())
