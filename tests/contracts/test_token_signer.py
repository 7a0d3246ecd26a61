"""The contract of `TokenSigner`: genuine, for us, in its time; everything else is one refusal."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.crypto.signing_key import SigningKey
from adapters.crypto.token_signer import Rs256TokenSigner
from adapters.memory.clock import FixedClock
from application.ports.token_signer import TokenSigner
from domain.auth.claims import Claims, TokenRejected
from domain.identifiers import SessionId, UserId
from fixtures.making import new_id

CLOCK = FixedClock()
NOW = int(CLOCK.now().timestamp())
ISSUER, AUDIENCE = "https://obelisk.example", "obelisk"
Json = dict[str, object]


def _new_key(kid: str) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return SigningKey(private=private, kid=kid)


KEY, OTHER_KEY = _new_key("key-1"), _new_key("key-1")
CLAIMS = Claims(
    subject=UserId(new_id()),
    session_id=SessionId(uuid4()),
    token_id="token-1",
    issue_time=CLOCK.now(),
    expire_time=CLOCK.now() + timedelta(minutes=15),
)
HEADER: Json = {"alg": "RS256", "typ": "JWT", "kid": KEY.kid}
PAYLOAD: Json = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": str(CLAIMS.subject),
    "jti": CLAIMS.token_id,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 900,
}


@pytest.fixture
def signer() -> TokenSigner:
    return Rs256TokenSigner(key=KEY, issuer=ISSUER, audience=AUDIENCE, clock=CLOCK)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _body(header: object, payload: object) -> str:
    return f"{_encode(json.dumps(header).encode())}.{_encode(json.dumps(payload).encode())}"


def _signed(body: str, key: SigningKey = KEY) -> str:
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


def _jwk(key: SigningKey) -> Json:
    return dict(key.public_jwk())


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
    "kid unknown": lambda: _forged({"kid": "key-2"}),
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
}


def test_what_was_signed_is_verified(signer: TokenSigner) -> None:
    assert signer.verify(signer.sign(CLAIMS)) == CLAIMS


def test_a_token_made_by_hand_from_the_same_parts_is_as_good(signer: TokenSigner) -> None:
    assert signer.verify(_forged()) == CLAIMS


@pytest.mark.parametrize("defect", REFUSED)
def test_every_defect_gets_the_same_refusal(signer: TokenSigner, defect: str) -> None:
    with pytest.raises(TokenRejected) as refusal:
        signer.verify(REFUSED[defect]())
    assert (str(refusal.value), refusal.value.field) == (str(TokenRejected()), None)
    assert refusal.value.metadata == {}


@pytest.mark.parametrize("skew", [-29, 29])
def test_clocks_may_differ_by_half_a_minute(signer: TokenSigner, skew: int) -> None:
    early = _forged(iat=NOW + skew, nbf=NOW + skew)
    assert signer.verify(early).issue_time == CLOCK.now() + timedelta(seconds=skew)
    assert signer.verify(_forged(exp=NOW - 29)).subject == CLAIMS.subject


def test_a_token_lives_as_long_as_it_says() -> None:
    clock = FixedClock()
    signer = Rs256TokenSigner(key=KEY, issuer=ISSUER, audience=AUDIENCE, clock=clock)
    token = signer.sign(replace(CLAIMS, expire_time=clock.now() + timedelta(seconds=60)))
    clock.advance(89)
    assert signer.verify(token).token_id == CLAIMS.token_id
    clock.advance(1)
    with pytest.raises(TokenRejected):
        signer.verify(token)


def test_the_published_keys_are_public_and_verify(signer: TokenSigner) -> None:
    (published,) = json.loads(signer.public_keys_json())["keys"]
    assert set(published) == {"kty", "n", "e", "kid", "use", "alg"}
    n, e = (
        int.from_bytes(base64.urlsafe_b64decode(published[name] + "==="), "big")
        for name in ("n", "e")
    )
    header, payload, signature = signer.sign(CLAIMS).split(".")
    rsa.RSAPublicNumbers(e, n).public_key().verify(
        base64.urlsafe_b64decode(signature + "==="),
        f"{header}.{payload}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert json.loads(base64.urlsafe_b64decode(header + "==="))["kid"] == published["kid"]


def test_a_token_says_nothing_but_its_claims(signer: TokenSigner) -> None:
    payload = signer.sign(CLAIMS).split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "===")) == PAYLOAD
