"""What a provider at the wire may lie about, and what becomes of it."""

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
import pytest_asyncio

from adapters.memory.clock import FixedClock
from adapters.oidc.client import HttpOidcClient
from adapters.oidc.fetch import FetchFailed, origin
from adapters.oidc.provider import ProviderAccess
from domain.auth.oidc import (
    OidcAnswer,
    OidcPerson,
    OidcRefused,
    OidcRequest,
    OidcUnavailable,
    code_challenge,
)
from fixtures.openid_provider import CLIENT_ID, CLIENT_SECRET, FakeOpenIdProvider, Json, Key

HOME = "https://app.example.com/back"
VERIFIER = "v" * 43
ADA = OidcPerson(
    subject="subject-1", email="ada@example.com", email_verified=True, display_name="Ada"
)
_TIMES = ("exp", "iat", "nbf")


@pytest.fixture
def fake() -> Iterator[FakeOpenIdProvider]:
    provider = FakeOpenIdProvider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def clock() -> FixedClock:
    """At the wall's time, by which the fake lives; it stands until it is moved."""
    made = FixedClock()
    made.advance(time.time() - made.now().timestamp())
    return made


@pytest_asyncio.fixture
async def client(fake: FakeOpenIdProvider, clock: FixedClock) -> AsyncIterator[HttpOidcClient]:
    access = ProviderAccess(
        name="acme", issuer=fake.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    made = HttpOidcClient([access], clock)
    yield made
    await made.close()


async def begun(client: HttpOidcClient, fake: FakeOpenIdProvider) -> OidcAnswer:
    url = await client.authorization_url(
        "acme",
        OidcRequest(
            redirect_uri=HOME, state="s", nonce="n", code_challenge=code_challenge(VERIFIER)
        ),
    )
    back = fake.visit(url, ADA)
    return OidcAnswer(
        code=back.code, issuer=back.issuer, redirect_uri=HOME, nonce="n", code_verifier=VERIFIER
    )


def _from_now(claims: Json) -> Json:
    """Times are given as seconds from the moment of the test."""
    now = int(time.time())
    return {
        name: now + value if name in _TIMES and isinstance(value, int) else value
        for name, value in claims.items()
    }


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "somebody else"},
        {"aud": None},
        {"aud": [CLIENT_ID, "somebody else"]},
        {"azp": "somebody else"},
        {"aud": [CLIENT_ID, "somebody else"], "azp": "somebody else"},
        {"exp": -120},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 3600},
        {"iat": None},
        {"nbf": 3600},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
    ],
    ids=str,
)
async def test_a_token_with_a_claim_that_does_not_hold_is_refused(
    client: HttpOidcClient, fake: FakeOpenIdProvider, claims: Json
) -> None:
    fake.claims = _from_now(claims)
    with pytest.raises(OidcRefused):
        await client.person("acme", await begun(client, fake))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another of ours"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"exp": -30},
        {"email_verified": "true"},
        {"acr": "strong", "unknown": {"deep": 1}},
    ],
    ids=str,
)
async def test_a_token_that_holds_is_believed(
    client: HttpOidcClient, fake: FakeOpenIdProvider, claims: Json
) -> None:
    fake.claims = _from_now(claims)
    assert await client.person("acme", await begun(client, fake)) == ADA


@pytest.mark.parametrize("verified", [False, None, "yes", 1.5, [True]], ids=str)
async def test_an_email_is_verified_only_by_the_word_itself(
    client: HttpOidcClient, fake: FakeOpenIdProvider, verified: object
) -> None:
    fake.claims = {"email_verified": verified}
    person = await client.person("acme", await begun(client, fake))
    assert person == replace(ADA, email_verified=False)


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "key-of-nobody"},
        {"jku": "https://evil.example.com/keys"},
        {"x5u": "https://evil.example.com/cert"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"crit": ["exp"], "exp": 1},
    ],
    ids=lambda header: next(iter(header)),
)
async def test_a_header_that_brings_its_own_key_or_rules_is_refused(
    client: HttpOidcClient, fake: FakeOpenIdProvider, header: Json
) -> None:
    fake.header = header
    with pytest.raises(OidcRefused):
        await client.person("acme", await begun(client, fake))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_without_a_key_pairs_signature_is_refused(
    client: HttpOidcClient,
    fake: FakeOpenIdProvider,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str,
) -> None:
    signed = fake.id_token

    def forged(nonce: str) -> str:
        claims = jwt.decode(signed(nonce), options={"verify_signature": False})
        key = "" if algorithm == "none" else CLIENT_SECRET * 8
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "key-1"})

    answer = await begun(client, fake)
    monkeypatch.setattr(FakeOpenIdProvider, "id_token", lambda _, nonce: forged(nonce))
    with pytest.raises(OidcRefused):
        await client.person("acme", answer)


async def test_a_key_of_somebody_else_under_the_same_id_is_refused(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    await client.person("acme", await begun(client, fake))
    published = fake.published
    stranger = fake.rotate()
    fake.signing = Key(kid="key-1", private=stranger.private, algorithm="RS256")
    fake.published = published
    with pytest.raises(OidcRefused):
        await client.person("acme", await begun(client, fake))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_provider_may_change_its_keys_at_any_time(
    client: HttpOidcClient, fake: FakeOpenIdProvider, clock: FixedClock, algorithm: str
) -> None:
    await client.person("acme", await begun(client, fake))
    clock.advance(6)
    fake.rotate(algorithm=algorithm)
    assert await client.person("acme", await begun(client, fake)) == ADA
    assert fake.asked.count("/keys") == 2


async def test_unknown_keys_cost_the_provider_few_questions(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    fake.header = {"kid": "key-of-nobody"}
    for _ in range(5):
        with pytest.raises(OidcRefused):
            await client.person("acme", await begun(client, fake))
    assert fake.asked.count("/keys") == 1
    assert fake.asked.count("/.well-known/openid-configuration") == 1


async def test_an_answer_without_an_issuer_is_refused_where_one_was_promised(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    answer = await begun(client, fake)
    with pytest.raises(OidcRefused):
        await client.person("acme", replace(answer, issuer=""))
    assert "/token" not in fake.asked


async def test_another_providers_answer_sends_its_code_nowhere(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    answer = await begun(client, fake)
    with pytest.raises(OidcRefused):
        await client.person("acme", replace(answer, issuer="https://honest.example.com"))
    assert "/token" not in fake.asked


async def test_a_provider_that_sends_no_issuer_is_believed_without(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    fake.sends_issuer = False
    answer = await begun(client, fake)
    assert answer.issuer == ""
    assert await client.person("acme", answer) == ADA


async def test_a_secret_goes_into_the_form_where_that_is_asked_for(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    fake.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert await client.person("acme", await begun(client, fake)) == ADA


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example.com"},
        {"issuer": None},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"authorization_endpoint": "http://evil.example.com/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
    ],
    ids=str,
)
async def test_metadata_that_cannot_be_worked_with_make_it_unavailable(
    client: HttpOidcClient, fake: FakeOpenIdProvider, metadata: Json
) -> None:
    fake.metadata = metadata
    with pytest.raises(OidcUnavailable):
        await begun(client, fake)


class _Elsewhere(BaseHTTPRequestHandler):
    """Another server on this machine, which must never be asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Elsewhere,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
async def test_an_endpoint_on_a_host_that_the_settings_do_not_name_is_not_asked(
    client: HttpOidcClient,
    fake: FakeOpenIdProvider,
    elsewhere: tuple[str, list[str]],
    endpoint: str,
) -> None:
    address, asked = elsewhere
    fake.metadata = {endpoint: f"{address}/x"}
    with pytest.raises(OidcUnavailable):
        await client.person("acme", await begun(client, fake))
    assert asked == []


async def test_a_redirect_is_not_followed(
    client: HttpOidcClient, fake: FakeOpenIdProvider, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    fake.redirect_to = f"{address}/steal"
    with pytest.raises(OidcUnavailable):
        await client.person("acme", await begun(client, fake))
    assert asked == []


async def test_an_answer_without_end_is_given_up(
    client: HttpOidcClient, fake: FakeOpenIdProvider
) -> None:
    answer = await begun(client, fake)
    fake.padding = 1024 * 1024
    with pytest.raises(OidcUnavailable):
        await client.person("acme", answer)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
async def test_a_provider_that_fails_is_unavailable_and_comes_back(
    client: HttpOidcClient, fake: FakeOpenIdProvider, status: int
) -> None:
    fake.status = status
    with pytest.raises(OidcUnavailable):
        await client.authorization_url(
            "acme",
            OidcRequest(redirect_uri=HOME, state="s", nonce="n", code_challenge="c"),
        )
    fake.status = 200
    assert await client.person("acme", await begun(client, fake)) == ADA


async def test_nobody_at_the_address_is_told_as_unavailable(clock: FixedClock) -> None:
    access = ProviderAccess(
        name="acme", issuer="http://127.0.0.1:9", client_id="c", client_secret="s"
    )
    client = HttpOidcClient([access], clock)
    with pytest.raises(OidcUnavailable, match="'acme'"):
        await client.authorization_url(
            "acme",
            OidcRequest(redirect_uri=HOME, state="s", nonce="n", code_challenge="c"),
        )
    await client.close()


async def test_neither_the_log_nor_the_repr_shows_the_secret(
    client: HttpOidcClient, fake: FakeOpenIdProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    fake.claims = {"nonce": "another"}
    with pytest.raises(OidcRefused):
        await client.person("acme", await begun(client, fake))
    access = ProviderAccess(name="a", issuer="https://a.example", client_id="c", client_secret="s3")
    assert "the claims do not hold" in caplog.text
    assert CLIENT_SECRET not in caplog.text
    assert "s3" not in repr(access)
    assert VERIFIER not in json.dumps(caplog.text)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://idp.example.com/realms/1", "https://idp.example.com:443"),
        ("https://IDP.example.com:8443", "https://idp.example.com:8443"),
        ("http://127.0.0.1:5000/x", "http://127.0.0.1:5000"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, found: str) -> None:
    assert origin(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example.com",
        "ftp://idp.example.com",
        "https://user:pass@idp.example.com",
        "https://idp.example.com/#x",
        "idp.example.com",
        "https://",
        "https://127.0.0.1.evil.example\x00",
    ],
)
def test_what_is_no_https_address_has_no_origin(url: str) -> None:
    with pytest.raises(FetchFailed):
        origin(url)
