"""The contract of `OidcClient`, on every adapter; the real one speaks to a provider at the wire."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from adapters.local.clock import SystemClock
from adapters.memory.oidc_client import MemoryOidcClient
from adapters.oidc.client import HttpOidcClient
from adapters.oidc.provider import ProviderAccess
from application.ports.oidc_client import OidcClient
from domain.auth.oidc import (
    OidcAnswer,
    OidcPerson,
    OidcProvider,
    OidcProviderNotFound,
    OidcRefused,
    OidcRequest,
    OidcUnavailable,
    code_challenge,
)
from fixtures.openid_provider import CLIENT_ID, CLIENT_SECRET, FakeOpenIdProvider

HOME = "https://app.example.com/back"
VERIFIER = "v" * 43
ADA = OidcPerson(
    subject="subject-1", email="ada@example.com", email_verified=True, display_name="Ada L."
)
REQUEST = OidcRequest(
    redirect_uri=HOME, state="state-1", nonce="nonce-1", code_challenge=code_challenge(VERIFIER)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """`visit` goes to an address as a person and returns the code; `issuer` is the provider's."""

    client: OidcClient
    issuer: str
    visit: Callable[[str, OidcPerson], str]
    go_down: Callable[[], None]

    async def begun(self, person: OidcPerson = ADA) -> OidcAnswer:
        """A sign-in up to where the person comes back."""
        code = self.visit(await self.client.authorization_url("acme", REQUEST), person)
        return OidcAnswer(
            code=code,
            issuer=self.issuer,
            redirect_uri=HOME,
            nonce="nonce-1",
            code_verifier=VERIFIER,
        )


@pytest_asyncio.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture(params=["memory", "http"])
def lab(request: pytest.FixtureRequest, closing: AsyncExitStack) -> Lab:
    if request.param == "memory":
        issuer = "https://idp.example.com"
        twin = MemoryOidcClient([OidcProvider(name="acme", issuer=issuer, redirect_uris=(HOME,))])
        return Lab(
            client=twin,
            issuer=issuer,
            visit=twin.visit,
            go_down=lambda: setattr(twin, "down", True),
        )
    fake = FakeOpenIdProvider()
    fake.start()
    closing.callback(fake.stop)
    access = ProviderAccess(
        name="acme", issuer=fake.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    client = HttpOidcClient([access], SystemClock())
    closing.push_async_callback(client.close)
    return Lab(
        client=client,
        issuer=fake.issuer,
        visit=lambda url, person: fake.visit(url, person).code,
        go_down=lambda: setattr(fake, "status", 503),
    )


async def test_the_address_carries_the_request_and_no_secret(lab: Lab) -> None:
    url = await lab.client.authorization_url("acme", REQUEST)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{lab.issuer}/authorize?")
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [HOME]
    assert asked["state"] == ["state-1"]
    assert asked["nonce"] == ["nonce-1"]
    assert asked["code_challenge"] == [code_challenge(VERIFIER)]
    assert asked["code_challenge_method"] == ["S256"]
    assert VERIFIER not in url
    assert CLIENT_SECRET not in url


async def test_a_person_who_comes_back_is_known(lab: Lab) -> None:
    assert await lab.client.person("acme", await lab.begun()) == ADA


async def test_an_unverified_email_is_told_as_such(lab: Lab) -> None:
    person = replace(ADA, email_verified=False)
    assert await lab.client.person("acme", await lab.begun(person)) == person


async def test_a_code_works_once(lab: Lab) -> None:
    answer = await lab.begun()
    await lab.client.person("acme", answer)
    with pytest.raises(OidcRefused):
        await lab.client.person("acme", answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"code": "code-99"},
        {"code": ""},
        {"code_verifier": "w" * 43},
        {"nonce": "nonce-2"},
        {"redirect_uri": "https://app.example.com/elsewhere"},
        {"issuer": "https://evil.example.com"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_an_answer_to_another_request_is_refused(lab: Lab, changed: dict[str, str]) -> None:
    answer = await lab.begun()
    with pytest.raises(OidcRefused):
        await lab.client.person("acme", replace(answer, **changed))


async def test_a_provider_that_is_down_is_told_as_such(lab: Lab) -> None:
    answer = await lab.begun()
    lab.go_down()
    with pytest.raises(OidcUnavailable) as told:
        await lab.client.person("acme", answer)
    assert told.value.metadata == {"provider": "acme"}


async def test_a_provider_that_the_settings_do_not_name_does_not_exist(lab: Lab) -> None:
    with pytest.raises(OidcProviderNotFound):
        await lab.client.authorization_url("evil", REQUEST)
    with pytest.raises(OidcProviderNotFound):
        await lab.client.person("evil", await lab.begun())
