"""The contract of `TokenSigner`: genuine, for us, in its time; everything else is one refusal."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from adapters.crypto.signing_key import RsaKey, public_key, read_pair
from adapters.memory.clock import FixedClock
from application.ports.token_signer import TokenSigner
from domain.auth.claims import Claims, TokenRejected, TokenTooLong
from domain.auth.key_rotation import KeyChain
from domain.auth.signing_key import KeyPair, KeysNotKnown, SigningKeyUnusable
from domain.identifiers import OrganizationId, SessionId, SpaceId, UserId
from domain.tenancy.access import Action, Role
from fixtures.keys import POLICY, a_signer, chain_of, pair
from fixtures.making import new_id

CLOCK = FixedClock()
NOW = int(CLOCK.now().timestamp())
ISSUER, AUDIENCE = "https://obelisk.example", "obelisk"
MOST_CHARACTERS = 4096
SPACES_THAT_FIT = 102
Json = dict[str, object]


KEY, OTHER_KEY = read_pair(pair(0)), read_pair(pair(1))
SPACES = [SpaceId(new_id()) for _ in range(8)]
CLAIMS = Claims(
    subject=UserId(new_id()),
    session_id=SessionId(new_id()),
    token_id="token-1",
    issue_time=CLOCK.now(),
    expire_time=CLOCK.now() + timedelta(minutes=15),
    epoch=7,
    organization_id=OrganizationId(new_id()),
    permissions=frozenset({Action.READ_ORGANIZATION, Action.CREATE_SPACE}),
    spaces={space: list(Role)[n % len(Role)] for n, space in enumerate(SPACES)},
)
UNBOUND = replace(CLAIMS, organization_id=None, permissions=frozenset(), spaces=None)
HEADER: Json = {"alg": "RS256", "typ": "JWT", "kid": KEY.kid}
PAYLOAD: Json = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": str(CLAIMS.subject),
    "sid": str(CLAIMS.session_id),
    "jti": CLAIMS.token_id,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 900,
    "epoch": 7,
    "permissions": [],
}


@pytest_asyncio.fixture
async def signer() -> TokenSigner:
    return await a_signer(CLOCK, issuer=ISSUER, audience=AUDIENCE)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _body(header: object, payload: object) -> str:
    return f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(payload).encode())}"


def _signed(body: str, key: RsaKey = KEY) -> str:
    signature = key.private.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{body}.{_encode(signature)}"


def _forged(header: Json | None = None, without: str = "", **payload: object) -> str:
    """A token by our own key, whose header and payload say something else."""
    claims = {name: value for name, value in (PAYLOAD | payload).items() if name != without}
    return _signed(_body(HEADER | (header or {}), claims))


def _hs256_with_the_public_key() -> str:
    public = KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = _body(HEADER | {"alg": "HS256"}, PAYLOAD)
    code = hmac.HMAC(public, hashes.SHA256())
    code.update(body.encode())
    return f"{body}.{_encode(code.finalize())}"


def _tampered(part: int) -> str:
    parts = _forged().split(".")
    middle = len(parts[part]) // 2
    swapped = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + swapped + parts[part][middle + 1 :]
    return ".".join(parts)


def _twice(member: str, payload: Json, *, in_header: bool = True) -> str:
    """A member that stands a second time, in a token that our own key has signed."""
    header_text, payload_text = json.dumps(HEADER), json.dumps(payload)
    if in_header:
        header_text = "{" + member + "," + header_text[1:]
    else:
        payload_text = "{" + member + "," + payload_text[1:]
    return _signed(f"{_encode(header_text.encode())}.{_encode(payload_text.encode())}")


def _respelled() -> str:
    """The last character of 256 bytes has four bits that mean nothing."""
    token = _forged()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def _kid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==="))["kid"])


def _jwk(key: RsaKey) -> Json:
    return dict(public_key(key.public).jwk())


REFUSED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token": lambda: "hello",
    "two parts": lambda: _forged().rpartition(".")[0],
    "four parts": lambda: _forged() + ".x",
    "not base64": lambda: "*.*.*",
    "not ascii": lambda: _forged() + "ü",
    "a lone surrogate": lambda: _forged() + "\ud800",
    "no json": lambda: _signed(f"{_encode(b'x')}.{_encode(b'y')}"),
    "a list as header": lambda: _signed(_body(["RS256"], PAYLOAD)),
    "a list as payload": lambda: _signed(_body(HEADER, ["x"])),
    "a deep header": lambda: f"{_encode(b'[' * 2900)}.e30.eA",
    "a deep payload": lambda: f"{_encode(json.dumps(HEADER).encode())}.{_encode(b'[' * 2500)}.eA",
    "oversized": lambda: _forged(jti="x" * 4096),
    "header tampered": lambda: _tampered(0),
    "payload tampered": lambda: _tampered(1),
    "signature tampered": lambda: _tampered(2),
    "no signature": lambda: _body(HEADER, PAYLOAD) + ".",
    "another key": lambda: _signed(_body(HEADER, PAYLOAD), OTHER_KEY),
    "alg none": lambda: _body(HEADER | {"alg": "none"}, PAYLOAD) + ".",
    "alg None": lambda: _body(HEADER | {"alg": "None"}, PAYLOAD) + ".",
    "alg missing": lambda: _signed(_body({"kid": KEY.kid}, PAYLOAD)),
    "alg a list": lambda: _forged({"alg": ["RS256"]}),
    "alg RS512": lambda: _forged({"alg": "RS512"}),
    "alg HS256, by the public key": _hs256_with_the_public_key,
    "kid missing": lambda: _signed(_body({"alg": "RS256"}, PAYLOAD)),
    "kid unknown": lambda: _forged({"kid": OTHER_KEY.kid}),
    "kid a number": lambda: _forged({"kid": 1}),
    "jku": lambda: _forged({"jku": "https://evil.example/keys"}),
    "x5u": lambda: _forged({"x5u": "https://evil.example/cert"}),
    "jwk": lambda: _signed(_body(HEADER | {"jwk": _jwk(OTHER_KEY)}, PAYLOAD), OTHER_KEY),
    "crit": lambda: _forged({"crit": ["exp"]}),
    "b64": lambda: _forged({"b64": False}),
    "zip": lambda: _forged({"zip": "DEF"}),
    "another issuer": lambda: _forged(iss="https://evil.example"),
    "another audience": lambda: _forged(aud="billing"),
    "several audiences": lambda: _forged(aud=[AUDIENCE, "billing"]),
    "a subject that is no user": lambda: _forged(sub="root"),
    "a subject that is a number": lambda: _forged(sub=5),
    "expired": lambda: _forged(exp=NOW - 31),
    "not yet valid": lambda: _forged(nbf=NOW + 31),
    "issued in the future": lambda: _forged(iat=NOW + 31),
    "a time with a fraction": lambda: _forged(exp=NOW + 900.5),
    "a time as text": lambda: _forged(exp=str(NOW + 900)),
    "a time that is true": lambda: _forged(iat=True),
    "no time": lambda: _forged(exp=None),
    "a time beyond the calendar": lambda: _forged(exp=10**15),
    "a time beyond numbers": lambda: _forged(exp=10**400),
    "a time that is infinite": lambda: _forged(exp=float("inf")),
    **{f"without {name}": lambda name=name: _forged(without=name) for name in PAYLOAD},  # type: ignore[misc]  # binds the name
    "a life that is over before it begins": lambda: _forged(exp=NOW),
    "a life longer than any revocation is known": lambda: _forged(exp=NOW + 86_401),
    "a header that stands twice": lambda: _twice('"alg":"RS256"', PAYLOAD),
    "a claim that stands twice": lambda: _twice('"exp":9', PAYLOAD, in_header=False),
    "a line break in the signature": lambda: _forged()[:-2] + "\n" + _forged()[-2:],
    "a padded signature": lambda: _forged() + "==",
    "the signature in another spelling": lambda: _respelled(),
    "an epoch below zero": lambda: _forged(epoch=-1),
    "an organization that is none": lambda: _forged(org=""),
    "no organization at all": lambda: _forged(org=None),
    "an operator by hearsay": lambda: _forged(operator="true"),
    "permissions that are no list": lambda: _forged(permissions="create_space"),
    "permissions that are numbers": lambda: _forged(permissions=[1]),
    "spaces that are a list": lambda: _forged(spaces=["a"]),
    "a role that does not exist": lambda: _forged(spaces={"x": _encode(b"x" * 16)}),
    "a space cut short": lambda: _forged(spaces={"v": _encode(b"x" * 15)}),
    "no space where one is said": lambda: _forged(spaces={"v": ""}),
    "a space in no known letters": lambda: _forged(spaces={"v": "*" * 22}),
}


def test_what_was_signed_is_verified(signer: TokenSigner) -> None:
    assert signer.verify(signer.sign(CLAIMS)) == CLAIMS


@pytest.mark.parametrize("operator", [True, False])
@pytest.mark.parametrize("spaces", [None, {}])
def test_what_a_token_may_lack_is_told_apart(
    signer: TokenSigner, spaces: dict[SpaceId, Role] | None, *, operator: bool
) -> None:
    claims = replace(CLAIMS, spaces=spaces, operator=operator)
    assert signer.verify(signer.sign(claims)) == claims
    unbound = replace(UNBOUND, operator=operator)
    assert signer.verify(signer.sign(unbound)) == unbound


def test_a_token_made_by_hand_from_the_same_parts_is_as_good(signer: TokenSigner) -> None:
    assert signer.verify(_forged()) == UNBOUND


def test_a_permission_of_a_newer_release_allows_nothing_and_harms_nothing(
    signer: TokenSigner,
) -> None:
    given = _forged(permissions=["create_space", "travel_in_time"])
    assert signer.verify(given).permissions == {Action.CREATE_SPACE}


@pytest.mark.parametrize("defect", REFUSED)
def test_every_defect_gets_the_same_refusal(signer: TokenSigner, defect: str) -> None:
    for _ in range(2):
        with pytest.raises(TokenRejected) as refusal:
            signer.verify(REFUSED[defect]())
        assert (str(refusal.value), refusal.value.field) == (str(TokenRejected()), None)
        assert refusal.value.reason == TokenRejected.reason
        assert refusal.value.metadata == {}


def test_only_a_key_that_is_not_known_is_worth_a_look_at_the_keys(signer: TokenSigner) -> None:
    told = set()
    for defect, make in REFUSED.items():
        with pytest.raises(TokenRejected) as refusal:
            signer.verify(make())
        if refusal.value.key_unknown:
            told.add(defect)
    assert told == {"kid unknown"}


@pytest.mark.parametrize("skew", [-29, 29])
def test_clocks_may_differ_by_half_a_minute(signer: TokenSigner, skew: int) -> None:
    early = _forged(iat=NOW + skew, nbf=NOW + skew)
    assert signer.verify(early).issue_time == CLOCK.now() + timedelta(seconds=skew)
    assert signer.verify(_forged(iat=NOW - 900, exp=NOW - 29)).subject == CLAIMS.subject


async def test_a_token_lives_as_long_as_it_says() -> None:
    clock = FixedClock()
    signer = await a_signer(clock)
    token = signer.sign(replace(CLAIMS, expire_time=clock.now() + timedelta(seconds=60)))
    for seconds in (0, 89):
        clock.advance(seconds)
        assert signer.verify(token).token_id == CLAIMS.token_id
    clock.advance(1)
    with pytest.raises(TokenRejected):
        signer.verify(token)


async def test_a_token_seen_before_is_not_valid_before_its_time() -> None:
    clock = FixedClock()
    signer = await a_signer(clock)
    token = signer.sign(CLAIMS)
    assert signer.verify(token) == CLAIMS
    clock.set_now(clock.now() - timedelta(seconds=31))
    with pytest.raises(TokenRejected):
        signer.verify(token)


async def test_a_key_signs_from_its_moment_on_and_the_one_before_it_verifies_on() -> None:
    clock = FixedClock()
    turn = clock.now() + timedelta(seconds=10)
    signer = await a_signer(clock, chain_of(clock.now() - timedelta(days=1), turn))
    before = signer.sign(CLAIMS)
    clock.advance(10)
    after = signer.sign(CLAIMS)
    assert [_kid(token) for token in (before, after)] == [pair(0).public.kid, pair(1).public.kid]
    assert signer.verify(before) == signer.verify(after) == CLAIMS


@pytest.mark.parametrize("seen_before", [True, False])
async def test_a_token_signed_by_a_key_past_its_window_is_refused(*, seen_before: bool) -> None:
    clock = FixedClock()
    policy = replace(POLICY, token_life=timedelta(minutes=15))
    chain = chain_of(clock.now() - timedelta(days=1), clock.now(), policy=policy)
    signer = await a_signer(clock, chain, issuer=ISSUER, audience=AUDIENCE)
    token = _forged(iat=NOW - 1, nbf=NOW - 1, exp=NOW + 7200)
    if seen_before:
        signer.verify(token)
    clock.advance(15 * 60 + 29)
    assert signer.verify(token).token_id == CLAIMS.token_id
    clock.advance(1)
    for _ in range(2):
        with pytest.raises(TokenRejected):
            signer.verify(token)


async def test_a_retired_key_in_the_wrong_hands_signs_nothing_new() -> None:
    clock = FixedClock()
    retired = clock.now() - timedelta(seconds=31)
    chain = chain_of(clock.now() - timedelta(days=1), retired)
    signer = await a_signer(clock, chain, issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(TokenRejected):
        signer.verify(_forged())
    assert signer.verify(_forged(iat=NOW - 60)).subject == CLAIMS.subject


async def test_a_key_that_is_forgotten_verifies_no_token_seen_before() -> None:
    clock = FixedClock()
    signer = await a_signer(clock)
    token = signer.sign(CLAIMS)
    signer.verify(token)
    chain = chain_of(clock.now() - timedelta(days=1), clock.now())
    only = replace(chain, keys=chain.keys[1:])
    await signer.learn([pair(1)], only, fresh_until=inf)
    with pytest.raises(TokenRejected):
        signer.verify(token)


async def test_without_keys_nothing_is_signed_and_nothing_believed() -> None:
    signer = await a_signer(CLOCK, KeyChain(policy=POLICY))
    with pytest.raises(KeysNotKnown):
        signer.sign(CLAIMS)
    with pytest.raises(TokenRejected) as refusal:
        signer.verify(_forged())
    assert refusal.value.key_unknown


async def test_what_was_known_of_the_keys_long_ago_is_not_signed_by() -> None:
    clock = FixedClock()
    signer = await a_signer(clock)
    chain = chain_of(clock.now())
    await signer.learn([pair(0)], chain, fresh_until=clock.monotonic() + 10)
    clock.advance(9.9)
    token = signer.sign(CLAIMS)
    clock.advance(0.1)
    with pytest.raises(KeysNotKnown):
        signer.sign(CLAIMS)
    assert signer.verify(token) == CLAIMS


async def test_halves_that_do_not_belong_together_are_refused_and_nothing_changes(
    signer: TokenSigner,
) -> None:
    chain = chain_of(CLOCK.now() - timedelta(days=1), CLOCK.now() + timedelta(days=1))
    mixed = KeyPair(public=pair(1).public, private=pair(0).private)
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for bad in (
        mixed,
        KeyPair(public=pair(1).public, private=b"no key"),
        KeyPair(public=pair(1).public, private=elliptic),
    ):
        with pytest.raises(SigningKeyUnusable, match=pair(1).public.kid):
            await signer.learn([pair(0), bad], chain, fresh_until=inf)
    with pytest.raises(SigningKeyUnusable, match=pair(1).public.kid):
        await signer.learn([pair(0)], chain, fresh_until=inf)
    assert signer.verify(signer.sign(CLAIMS)) == CLAIMS


async def test_a_new_key_is_one_of_its_own_and_can_be_learned(signer: TokenSigner) -> None:
    made = await signer.new_key()
    assert made.public.kid not in (pair(0).public.kid, pair(1).public.kid)
    assert read_pair(made).private.key_size == 2048
    assert "private" not in repr(made)


def test_the_public_half_verifies_with_a_library_that_knows_nothing_of_us(
    signer: TokenSigner,
) -> None:
    jwk = pair(0).public.jwk()
    n, e = (
        int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "==="), "big") for name in ("n", "e")
    )
    header, payload, signature = signer.sign(CLAIMS).split(".")
    rsa.RSAPublicNumbers(e, n).public_key().verify(
        base64.urlsafe_b64decode(signature + "==="),
        f"{header}.{payload}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert json.loads(base64.urlsafe_b64decode(header + "===")) == HEADER


def test_a_token_says_nothing_but_its_claims(signer: TokenSigner) -> None:
    payload = signer.sign(UNBOUND).split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "===")) == PAYLOAD
    bound = json.loads(base64.urlsafe_b64decode(signer.sign(CLAIMS).split(".")[1] + "==="))
    assert set(bound) - set(PAYLOAD) == {"org", "spaces"}
    assert bound["permissions"] == ["create_space", "read_organization"]


def test_a_token_carries_as_many_spaces_as_fit_and_else_a_reference(signer: TokenSigner) -> None:
    """With a longer issuer than the one that docs/tokens.md counts with."""

    def signed(count: int) -> tuple[str, Claims]:
        spaces = {SpaceId(new_id()): list(Role)[n % len(Role)] for n in range(count)}
        claims = replace(CLAIMS, permissions=frozenset(Action), spaces=spaces)
        return signer.sign(claims), claims

    fitting, claims = signed(SPACES_THAT_FIT)
    assert MOST_CHARACTERS - 40 < len(fitting) <= MOST_CHARACTERS
    assert signer.verify(fitting) == claims
    over, claims = signed(SPACES_THAT_FIT + 2)
    assert signer.verify(over) == replace(claims, spaces=None)


def test_a_token_that_would_outlive_its_key_is_not_signed(signer: TokenSigner) -> None:
    longest = CLAIMS.issue_time + POLICY.token_life
    assert signer.verify(signer.sign(replace(CLAIMS, expire_time=longest))).expire_time == longest
    with pytest.raises(TokenTooLong):
        signer.sign(replace(CLAIMS, expire_time=longest + timedelta(seconds=1)))


def test_a_token_that_cannot_be_short_is_not_signed(signer: TokenSigner) -> None:
    with pytest.raises(TokenTooLong, match="4096"):
        signer.sign(replace(CLAIMS, token_id="x" * 4096))


async def test_only_the_latest_tokens_are_remembered() -> None:
    signer = await a_signer(CLOCK, remembered=2)
    tokens = [signer.sign(replace(CLAIMS, token_id=f"token-{n}")) for n in range(4)]
    seen = [signer.verify(token) for token in tokens]
    assert signer.verify(tokens[3]) is seen[3]
    assert signer.verify(tokens[0]) == seen[0]
    assert signer.verify(tokens[0]) is not seen[0]
    assert signer.verify(tokens[3]) is seen[3]


def test_what_was_remembered_cannot_be_changed(signer: TokenSigner) -> None:
    spaces = signer.verify(signer.sign(CLAIMS)).spaces
    assert spaces is not None
    assert not hasattr(spaces, "__setitem__")
