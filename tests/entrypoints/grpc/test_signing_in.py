"""Every way in over the wire: gRPC and REST, on real stores, with a provider at the wire."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from domain.auth.oidc import OidcPerson
from entrypoints.cli.tokens import LocalSecretRefused, LocalTokens, NoLocalSecret, local_tokens
from entrypoints.oidc_settings import OidcProviderSettings
from fixtures.hosted import PASSWORD, Hosted, hosted
from fixtures.making import new_id
from fixtures.openid_provider import CLIENT_ID, CLIENT_SECRET, Callback, FakeOpenIdProvider
from fixtures.postgres import PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import auth_pb2 as pb

BACK = "https://app.example.com/back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    server: Hosted
    provider: FakeOpenIdProvider


@pytest_asyncio.fixture(scope="module")
async def site(postgres_server: PostgresServer, valkey_url: str) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(postgres_server.database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = FakeOpenIdProvider()
        provider.start()
        stack.callback(provider.stop)
        acme = OidcProviderSettings(
            name="acme",
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            client_secret=SecretStr(CLIENT_SECRET),
            redirect_uris=[BACK],
        )
        server = await stack.enter_async_context(
            hosted(database, folder, valkey_url, oidc_providers=[acme])
        )
        yield Site(server=server, provider=provider)


@pytest_asyncio.fixture
async def nobody(site: Site) -> AsyncIterator[ObeliskClient]:
    async with ObeliskClient(site.server.addresses.grpc, token="none") as client:
        yield client


@pytest_asyncio.fixture
async def email(site: Site) -> str:
    """Of a new account with the usual password."""
    made = f"{new_id()}@example.com"
    await site.server.person(made)
    return made


def _carrying(tokens: pb.TokenSet) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {tokens.access_token}"),)


async def _signed_in(nobody: ObeliskClient, email: str, password: str = PASSWORD) -> pb.TokenSet:
    answer = await nobody.auth.SignIn(pb.SignInRequest(email=email, password=password))
    return answer.tokens


async def _begun(site: Site, nobody: ObeliskClient, email: str) -> Callback:
    """A person with a verified email, back from the provider."""
    started = await nobody.auth.StartOidcSignIn(
        pb.StartOidcSignInRequest(provider="acme", redirect_uri=BACK)
    )
    person = OidcPerson(subject=email, email=email, email_verified=True, display_name="Ada")
    back = site.provider.visit(started.authorization_url, person)
    assert back.state == started.state
    return back


async def test_a_person_signs_in_changes_the_password_and_is_known(
    nobody: ObeliskClient, email: str
) -> None:
    tokens = await _signed_in(nobody, email.upper())
    changing = pb.ChangePasswordRequest(
        current_password=PASSWORD, new_password="cactus under marble"
    )
    await nobody.auth.ChangePassword(changing, metadata=_carrying(tokens))
    again = await _signed_in(nobody, email, "cactus under marble")
    known = await nobody.auth.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=_carrying(again))
    assert known.user.email == email
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _signed_in(nobody, email)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_too_many_attempts_are_told_with_the_time_to_wait(site: Site, email: str) -> None:
    async with httpx.AsyncClient(base_url=site.server.addresses.rest) as rest:
        asked = {"email": email, "password": "not the password"}
        answers = [await rest.post("/v1/auth:signIn", json=asked) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 90
    details = answers[-1].json()["error"]["details"]
    assert details[0]["reason"] == "TOO_MANY_ATTEMPTS"
    assert details[0]["metadata"]["retry_after_seconds"] == answers[-1].headers["retry-after"]


async def test_a_person_signs_in_at_a_provider(
    site: Site, nobody: ObeliskClient, email: str
) -> None:
    listed = await nobody.auth.ListOidcProviders(pb.ListOidcProvidersRequest())
    assert [one.issuer for one in listed.providers] == [site.provider.issuer]
    back = await _begun(site, nobody, email)
    finishing = pb.FinishOidcSignInRequest(state=back.state, code=back.code, issuer=back.issuer)
    answer = await nobody.auth.FinishOidcSignIn(finishing)
    known = await nobody.auth.GetCurrentUser(
        pb.GetCurrentUserRequest(), metadata=_carrying(answer.tokens)
    )
    assert known.user.email == email
    with pytest.raises(grpc.aio.AioRpcError) as replayed:
        await nobody.auth.FinishOidcSignIn(finishing)
    assert replayed.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_stranger_from_a_provider_stays_outside(site: Site, nobody: ObeliskClient) -> None:
    back = await _begun(site, nobody, f"{new_id()}@example.com")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await nobody.auth.FinishOidcSignIn(
            pb.FinishOidcSignInRequest(state=back.state, code=back.code, issuer=back.issuer)
        )
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_provider_that_is_down_makes_the_sign_in_unavailable(
    site: Site, nobody: ObeliskClient, email: str
) -> None:
    back = await _begun(site, nobody, email)
    site.provider.status = 503
    try:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await nobody.auth.FinishOidcSignIn(
                pb.FinishOidcSignInRequest(state=back.state, code=back.code, issuer=back.issuer)
            )
    finally:
        site.provider.status = 200
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_command_line_gets_its_token_from_the_server_and_renews_it(site: Site) -> None:
    settings, target = site.server.settings, site.server.addresses.grpc
    async with local_tokens(settings, target) as token, ObeliskClient(target, token=token) as me:
        known = await me.auth.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=me.metadata)
        assert known.user.operator
        assert known.organization_id == ""
    tokens = LocalTokens(target, settings.local_secret_file)
    seen = set()
    for _ in range(2):
        await tokens.renew()
        seen.add(tokens())
    assert len(seen) == 2


async def test_a_secret_of_another_folder_is_told_as_such(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "local.secret"
    with pytest.raises(NoLocalSecret, match="obelisk serve"):
        await LocalTokens(site.server.addresses.grpc, secret).renew()
    secret.write_text("x" * 43)
    secret.chmod(0o600)
    with pytest.raises(LocalSecretRefused, match="OBELISK_DATA_DIR"):
        await LocalTokens(site.server.addresses.grpc, secret).renew()
