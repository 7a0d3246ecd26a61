"""Connecting to a number, and holding the answer to the host's own certificate all the same."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.local.clock import SystemClock
from adapters.web.fetcher import HttpWebFetcher
from adapters.web.policy import FetchPolicy
from domain.identifiers import SpaceId
from domain.safety.web_address import AddressNotAllowed, web_address
from domain.safety.web_page import SiteUnavailable, WebPage
from fixtures.certificates import self_signed
from fixtures.making import new_id
from fixtures.web_site import LOOPBACK, Names, WebSite, web_site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key with a certificate for shop.example that signs itself."""
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_bytes(b"".join(self_signed("shop.example")))
    return path


@pytest_asyncio.fixture
async def site(certificate: Path) -> AsyncIterator[WebSite]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with web_site(tls=tls) as running:
        running.put("/", b"here")
        yield running


async def fetch(site: WebSite, host: str, authority: Path | None, target: str = "/") -> WebPage:
    policy = FetchPolicy(
        resolve=Names(shop_example=[[LOOPBACK]], other_example=[[LOOPBACK]]),
        is_reachable=lambda ip: ip == LOOPBACK,
        ports=frozenset({site.port}),
        trusted=lambda: ssl.create_default_context(cafile=authority),
    )
    address = web_address(f"https://{host}:{site.port}{target}")
    at = HttpWebFetcher(SystemClock(), policy=policy)
    return await at.fetch(SpaceId(new_id()), address, ("*",))


async def test_the_certificate_is_the_hosts_and_not_the_numbers(
    site: WebSite, certificate: Path
) -> None:
    assert (await fetch(site, "shop.example", certificate)).content == b"here"


async def test_a_certificate_of_another_host_is_not_believed(
    site: WebSite, certificate: Path
) -> None:
    with pytest.raises(SiteUnavailable):
        await fetch(site, "other.example", certificate)
    assert site.asked == []


async def test_a_certificate_of_nobody_known_is_not_believed(site: WebSite) -> None:
    with pytest.raises(SiteUnavailable):
        await fetch(site, "shop.example", None)
    assert site.asked == []


async def test_a_redirect_from_https_to_http_is_refused(site: WebSite, certificate: Path) -> None:
    site.put("/old", status=301, Location=f"http://shop.example:{site.port}/")

    with pytest.raises(AddressNotAllowed, match="from https to http"):
        await fetch(site, "shop.example", certificate, "/old")
