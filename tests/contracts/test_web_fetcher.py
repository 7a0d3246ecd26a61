"""The contract of `WebFetcher`, on every adapter; the real one reads a site over loopback."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from adapters.local.clock import SystemClock
from adapters.memory.web_fetcher import MemoryWebFetcher
from adapters.web.fetcher import HttpWebFetcher
from adapters.web.policy import FetchPolicy
from application.ports.web_fetcher import WebFetcher
from domain.documents.media import MediaType
from domain.identifiers import SpaceId
from domain.safety.web_address import AddressNotAllowed, web_address
from domain.safety.web_page import PageNotReadable, SiteUnavailable, WebPage
from fixtures.making import new_id
from fixtures.web_site import LOOPBACK, web_site

PAGE = b"<html><body><h1>Lamps</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A site at `base`; `put`, `lead` and `put_robots` take what lies below it."""

    fetcher: WebFetcher
    base: str
    put: Callable[[str, bytes, MediaType], None]
    lead: Callable[[str, str], None]
    put_robots: Callable[[bytes], None]
    go_down: Callable[[], None]

    async def fetch(self, target: str, *hosts: str) -> WebPage:
        address = web_address(target if target.startswith("http") else self.base + target)
        return await self.fetcher.fetch(SpaceId(new_id()), address, hosts or ("shop.example",))


@pytest_asyncio.fixture(params=["memory", "http"])
async def lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield _in_memory()
        else:
            yield await _over_loopback(stack)


def _in_memory() -> Lab:
    base = "http://shop.example"
    twin = MemoryWebFetcher()
    twin.put(base, PAGE)
    return Lab(
        fetcher=twin,
        base=base,
        put=lambda target, content, kind: twin.put(base + target, content, kind),
        lead=lambda target, onward: twin.lead(base + target, onward),
        put_robots=lambda content: twin.put_robots(base, content),
        go_down=lambda: twin.down.add("shop.example"),
    )


async def _over_loopback(stack: AsyncExitStack) -> Lab:
    site = await stack.enter_async_context(web_site())
    site.put("/", PAGE)
    names = {"shop.example": LOOPBACK}

    async def resolve(host: str, port: int) -> list[str]:
        return [names[host]] if host in names else []

    policy = FetchPolicy(
        resolve=resolve,
        is_reachable=lambda ip: ip in (LOOPBACK, "127.0.0.9"),
        ports=frozenset({site.port}),
        most_bytes=1024 * 1024,
    )
    return Lab(
        fetcher=HttpWebFetcher(SystemClock(), policy=policy),
        base=f"http://shop.example:{site.port}",
        put=lambda target, content, kind: site.put(target, content, media_type=kind.value),
        lead=lambda target, onward: site.put(target, status=302, Location=onward),
        put_robots=lambda content: site.put("/robots.txt", content, media_type="text/plain"),
        # Nobody listens there.
        go_down=lambda: names.update({"shop.example": "127.0.0.9"}),
    )


async def test_a_page_comes_with_its_kind_and_its_place(lab: Lab) -> None:
    page = await lab.fetch("/")

    assert (page.content, page.media_type) == (PAGE, MediaType.HTML)
    assert str(page.address) == lab.base + "/"


@pytest.mark.parametrize("kind", [MediaType.PDF, MediaType.MARKDOWN, MediaType.XLSX])
async def test_documents_can_be_fetched_too(lab: Lab, kind: MediaType) -> None:
    lab.put("/list", b"whatever", kind)

    assert (await lab.fetch("/list")).media_type is kind


async def test_a_redirect_is_followed_and_told(lab: Lab) -> None:
    lab.put("/new", b"moved", MediaType.HTML)
    lab.lead("/old", "/newer")
    lab.lead("/newer", "new")

    page = await lab.fetch("/old")

    assert page.content == b"moved"
    assert str(page.address) == lab.base + "/new"


async def test_a_circle_of_redirects_ends(lab: Lab) -> None:
    lab.lead("/a", "/b")
    lab.lead("/b", "/a")

    with pytest.raises(PageNotReadable, match="too often"):
        await lab.fetch("/a")


@pytest.mark.parametrize("hosts", [("other.example",), ("*.shop.example",)])
async def test_a_host_that_the_space_does_not_name_is_not_asked(
    lab: Lab, hosts: tuple[str, ...]
) -> None:
    with pytest.raises(AddressNotAllowed, match="does not fetch from shop"):
        await lab.fetch("/", *hosts)


@pytest.mark.parametrize("hosts", [("*",), ("*.example",), ("a.example", "shop.example")])
async def test_a_host_that_the_space_names_is_asked(lab: Lab, hosts: tuple[str, ...]) -> None:
    assert (await lab.fetch("/", *hosts)).content == PAGE


async def test_a_redirect_to_a_host_that_is_not_named_is_not_followed(lab: Lab) -> None:
    lab.lead("/out", "http://elsewhere.example/")

    with pytest.raises(AddressNotAllowed, match="does not fetch from elsewhere"):
        await lab.fetch("/out")


@pytest.mark.parametrize("onward", ["file:///etc/passwd", "ftp://shop.example/", "javascript:0"])
async def test_a_redirect_off_the_web_is_not_followed(lab: Lab, onward: str) -> None:
    lab.lead("/out", onward)

    with pytest.raises(AddressNotAllowed):
        await lab.fetch("/out")


async def test_a_host_that_is_not_there_has_no_public_address(lab: Lab) -> None:
    url = lab.base.replace("shop.example", "nowhere.example")

    with pytest.raises(AddressNotAllowed, match="no public address"):
        await lab.fetch(url, "*")


async def test_robots_txt_is_honoured_also_behind_a_redirect(lab: Lab) -> None:
    lab.put_robots(b"User-agent: *\nDisallow: /private\n")
    lab.put("/private/a", b"mine", MediaType.HTML)
    lab.lead("/public", "/private/a")

    assert (await lab.fetch("/")).content == PAGE
    for target in ("/private/a", "/public"):
        with pytest.raises(PageNotReadable, match=r"robots\.txt"):
            await lab.fetch(target)


async def test_a_page_that_is_not_there_is_told(lab: Lab) -> None:
    with pytest.raises(PageNotReadable, match="404") as told:
        await lab.fetch("/nothing")
    assert told.value.field == "url"


async def test_an_empty_page_is_told(lab: Lab) -> None:
    lab.put("/empty", b"", MediaType.HTML)

    with pytest.raises(PageNotReadable, match="empty"):
        await lab.fetch("/empty")


async def test_a_page_over_the_limit_is_refused(lab: Lab) -> None:
    lab.put("/fits", b"x" * (1024 * 1024), MediaType.HTML)
    lab.put("/big", b"x" * (1024 * 1024 + 1), MediaType.HTML)

    assert len((await lab.fetch("/fits")).content) == 1024 * 1024
    with pytest.raises(PageNotReadable, match="larger"):
        await lab.fetch("/big")


async def test_a_site_that_is_down_can_be_tried_again(lab: Lab) -> None:
    lab.go_down()

    with pytest.raises(SiteUnavailable, match="try again"):
        await lab.fetch("/")
