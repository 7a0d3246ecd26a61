"""What a hostile site, a hostile name and a slow line can do to the fetcher: nothing much."""

import asyncio
import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from adapters.local.clock import SystemClock
from adapters.memory.clock import FixedClock
from adapters.web.fetcher import HttpWebFetcher
from adapters.web.policy import FetchPolicy
from domain.documents.media import MediaType
from domain.identifiers import SpaceId
from domain.safety.web_address import AddressNotAllowed, web_address
from domain.safety.web_page import PageNotReadable, SiteUnavailable, WebPage
from fixtures.making import NOON, new_id
from fixtures.web_site import LOOPBACK, Names, WebSite, web_site

# In these tests one loopback address plays the internet, and the others play what is inside.
INSIDE = "127.0.0.2"
SPACE = SpaceId(new_id())


@pytest_asyncio.fixture
async def site() -> AsyncIterator[WebSite]:
    async with web_site() as running:
        yield running


def is_outside(ip: str) -> bool:
    return ip == LOOPBACK


def fetcher(
    site: WebSite,
    names: Names | None = None,
    **limits: float,
) -> HttpWebFetcher:
    policy = FetchPolicy(
        resolve=names or Names(shop_example=[[LOOPBACK]]),
        is_reachable=is_outside,
        ports=frozenset({site.port}),
        most_bytes=int(limits.get("most_bytes", 1024 * 1024)),
        whole_seconds=limits.get("whole_seconds", 10.0),
        silence_seconds=limits.get("silence_seconds", 5.0),
        connect_seconds=limits.get("connect_seconds", 2.0),
    )
    return HttpWebFetcher(SystemClock(), policy=policy)


async def fetch(at: HttpWebFetcher, site: WebSite, target: str = "/page") -> WebPage:
    address = web_address(f"http://shop.example:{site.port}{target}")
    return await at.fetch(SPACE, address, ("*",))


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.8"],
        ["192.168.1.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["fe80::1%eth0"],
        ["0.0.0.0"],
        ["100.100.100.200"],
        ["64:ff9b::7f00:1"],
        ["93.184.216.34", "127.0.0.1"],
        [],
    ],
    ids=str,
)
async def test_by_default_nothing_inside_is_reached(answers: Sequence[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers

    at = HttpWebFetcher(SystemClock(), policy=FetchPolicy(resolve=resolve, connect_seconds=0.2))

    with pytest.raises(AddressNotAllowed, match="has no public address"):
        await at.fetch(SPACE, web_address("http://shop.example/"), ("*",))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_by_default_no_spelling_of_an_inside_address_is_reached(url: str) -> None:
    """With the system's own resolver, which knows spellings that no table of ours would."""
    with pytest.raises(AddressNotAllowed, match="has no public address"):
        await HttpWebFetcher(SystemClock()).fetch(SPACE, web_address(url), ("*",))


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 8080])
async def test_by_default_only_the_ports_of_the_web_are_used(port: int) -> None:
    with pytest.raises(AddressNotAllowed, match="80 and 443"):
        await HttpWebFetcher(SystemClock()).fetch(
            SPACE, web_address(f"http://shop.example:{port}/"), ("*",)
        )


async def test_an_inside_name_and_no_name_get_the_same_answer(site: WebSite) -> None:
    at = fetcher(site, Names(inside_example=[[INSIDE]]))
    told = []
    for host in ("inside.example", "nobody.example"):
        with pytest.raises(AddressNotAllowed) as refusal:
            await at.fetch(SPACE, web_address(f"http://{host}:{site.port}/"), ("*",))
        told.append(refusal.value.message.replace(host, "HOST"))
    assert told[0] == told[1]


async def test_the_address_that_was_judged_is_the_one_that_is_asked(site: WebSite) -> None:
    """A name that answers differently the second time (DNS rebinding) gains nothing by it."""
    site.put("/page", b"outside")
    async with web_site(INSIDE, site.port) as inside:
        inside.put("/page", b"secret")
        names = Names(shop_example=[[LOOPBACK], [LOOPBACK], [INSIDE]])
        at = fetcher(site, names)

        assert (await fetch(at, site)).content == b"outside"
        assert names.asked == ["shop.example"] * 2  # for robots.txt, and for the page
        with pytest.raises(AddressNotAllowed, match="no public address"):
            await fetch(at, site)
        assert inside.connections == 0


async def test_a_name_that_turns_inside_between_two_hops_is_refused(site: WebSite) -> None:
    site.put("/page", status=302, Location="/next")
    async with web_site(INSIDE, site.port) as inside:
        at = fetcher(site, Names(shop_example=[[LOOPBACK], [LOOPBACK], [INSIDE]]))

        with pytest.raises(AddressNotAllowed, match="no public address"):
            await fetch(at, site)
        assert inside.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "[::1]", "inside.example"])
async def test_a_redirect_inside_is_not_followed(site: WebSite, host: str) -> None:
    site.put("/page", status=302, Location=f"http://{host}:{site.port}/secret")
    async with web_site(INSIDE, site.port) as inside:
        at = fetcher(site, Names(shop_example=[[LOOPBACK]], inside_example=[[INSIDE]]))

        with pytest.raises(AddressNotAllowed, match="no public address"):
            await fetch(at, site)
        assert inside.connections == 0


async def test_a_robots_txt_that_leads_inside_is_not_followed(site: WebSite) -> None:
    site.put("/robots.txt", status=302, Location=f"http://{INSIDE}:{site.port}/")
    site.put("/page", b"outside")
    async with web_site(INSIDE, site.port) as inside:
        assert (await fetch(fetcher(site), site)).content == b"outside"
        assert inside.connections == 0


async def test_a_redirect_to_an_unusual_port_is_not_followed(site: WebSite) -> None:
    site.put("/page", status=302, Location="http://shop.example:25/")

    with pytest.raises(AddressNotAllowed, match="ports"):
        await fetch(fetcher(site), site)


async def test_nothing_of_ours_goes_along(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.3:9/")
    site.put("/page", status=302, Location="/next", Set_Cookie="a=b; Path=/")
    site.put("/next", b"here")

    assert (await fetch(fetcher(site), site)).content == b"here"
    for asked in site.asked:
        assert asked.headers.keys() <= {
            *("host", "user-agent", "accept", "accept-encoding", "connection")
        }
        assert asked.headers["host"] == f"shop.example:{site.port}"
        assert asked.headers["user-agent"].startswith("obelisk")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare deflate"])
async def test_a_compressed_page_is_read(site: WebSite, encoding: str) -> None:
    page = b"<p>Lamps</p>" * 1000
    bare = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(page),
        "deflate": zlib.compress(page),
        "bare deflate": bare.compress(page) + bare.flush(),
    }[encoding]
    site.put("/page", packed, Content_Encoding=encoding.split()[-1])

    assert (await fetch(fetcher(site), site)).content == page


async def test_a_page_that_was_packed_in_several_pieces_is_read_to_its_end(site: WebSite) -> None:
    packed = b"".join(gzip.compress(b"<p>Lamps</p>" * 500) for _ in range(40))
    site.put("/page", packed, Content_Encoding="gzip")
    assert (await fetch(fetcher(site), site)).content == b"<p>Lamps</p>" * 20_000

    site.put("/page", packed[:-5], Content_Encoding="gzip")
    with pytest.raises(SiteUnavailable, match="cut short"):
        await fetch(fetcher(site), site)

    site.put("/page", gzip.compress(b"") * 1_001, Content_Encoding="gzip")
    with pytest.raises(PageNotReadable, match="too many pieces"):
        await fetch(fetcher(site), site)


async def test_a_bomb_is_stopped_before_it_is_big(site: WebSite) -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), 9)
    site.put("/page", bomb, Content_Encoding="gzip")
    at = fetcher(site)
    tracemalloc.start()
    try:
        with pytest.raises(PageNotReadable, match="larger than 1 MiB"):
            await fetch(at, site)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "x"])
async def test_a_packing_that_was_not_asked_for_is_refused(site: WebSite, encoding: str) -> None:
    site.put("/page", gzip.compress(gzip.compress(b"x")), Content_Encoding=encoding)

    with pytest.raises(PageNotReadable, match="was not asked for"):
        await fetch(fetcher(site), site)


async def test_broken_compression_is_told(site: WebSite) -> None:
    site.put("/broken", b"this is no gzip", Content_Encoding="gzip")
    site.put("/short", gzip.compress(b"word " * 1000)[:-20], Content_Encoding="gzip")

    with pytest.raises(PageNotReadable, match="broken"):
        await fetch(fetcher(site), site, "/broken")
    with pytest.raises(SiteUnavailable, match="cut short"):
        await fetch(fetcher(site), site, "/short")


async def test_a_body_without_an_end_is_stopped_at_the_limit(site: WebSite) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    site.pages["/page"] = endless

    with pytest.raises(PageNotReadable, match="larger"):
        await fetch(fetcher(site), site)


async def test_a_page_that_drips_ends_at_the_deadline(site: WebSite) -> None:
    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    site.pages["/page"] = dripping
    started = time.monotonic()

    with pytest.raises(SiteUnavailable, match=r"within 0\.5 seconds"):
        await fetch(fetcher(site, whole_seconds=0.5), site)
    assert time.monotonic() - started < 3


async def test_a_site_that_says_nothing_is_given_up(site: WebSite) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.5)

    site.pages["/page"] = silent

    with pytest.raises(SiteUnavailable, match="does not answer"):
        await fetch(fetcher(site, silence_seconds=0.2), site)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/html\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"",
    ],
    ids=["no http", "cut short", "endless headers", "no length", "nothing"],
)
async def test_what_is_no_answer_is_told(site: WebSite, answer: bytes) -> None:
    site.pages["/page"] = answer

    with pytest.raises(SiteUnavailable):
        await fetch(fetcher(site), site)


async def test_the_second_address_is_tried_when_the_first_is_dead() -> None:
    async with web_site(INSIDE) as site:
        site.put("/page", b"here")

        async def resolve(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.9", INSIDE]

        policy = FetchPolicy(
            resolve=resolve, is_reachable=lambda _: True, ports=frozenset({site.port})
        )
        page = await fetch(HttpWebFetcher(SystemClock(), policy=policy), site)
        assert page.content == b"here"


@pytest.mark.parametrize(
    ("media_type", "target", "kind"),
    [
        ("text/html", "/a", MediaType.HTML),
        ("application/xhtml+xml", "/a", MediaType.HTML),
        ("text/plain", "/a", MediaType.MARKDOWN),
        ("application/octet-stream", "/a.docx?x=1", MediaType.DOCX),
        ("", "/a.pdf", MediaType.PDF),
    ],
)
async def test_the_kind_is_told_by_the_header_or_the_name(
    site: WebSite, media_type: str, target: str, kind: MediaType
) -> None:
    site.put(target, b"content", media_type=media_type)

    assert (await fetch(fetcher(site), site, target)).media_type is kind


@pytest.mark.parametrize("media_type", ["application/zip", "video/mp4", "application/json", ""])
async def test_what_is_no_document_is_not_read(site: WebSite, media_type: str) -> None:
    site.put("/page", b"x", media_type=media_type)

    with pytest.raises(PageNotReadable, match="no kind of document"):
        await fetch(fetcher(site), site)


async def test_text_in_another_charset_becomes_utf8(site: WebSite) -> None:
    site.put("/page", "Bücher für 5 €".encode("cp1252"), media_type="text/html; charset=cp1252")

    assert (await fetch(fetcher(site), site)).content.decode() == "Bücher für 5 €"


@pytest.mark.parametrize("charset", ["punycode", "zlib", "rot13", "no-such-charset", ""])
async def test_a_charset_that_no_page_has_changes_nothing(site: WebSite, charset: str) -> None:
    site.put("/page", b"plain", media_type=f"text/html; charset={charset}")

    assert (await fetch(fetcher(site), site)).content == b"plain"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_site_that_cannot_say_what_may_be_read_is_not_read(
    site: WebSite, status: int
) -> None:
    site.put("/page", b"here")
    site.put("/robots.txt", status=status)

    with pytest.raises(SiteUnavailable, match="what may be read"):
        await fetch(fetcher(site), site)
    assert site.targets == ["/robots.txt"]
    site.put("/robots.txt", status=404)
    assert (await fetch(fetcher(site), site)).content == b"here"


async def test_robots_txt_is_asked_for_once_an_hour_by_each_space(site: WebSite) -> None:
    clock = FixedClock(NOON)
    policy = FetchPolicy(
        resolve=Names(shop_example=[[LOOPBACK]]),
        is_reachable=is_outside,
        ports=frozenset({site.port}),
    )
    at = HttpWebFetcher(clock, policy=policy)
    site.put("/page", b"here")
    for _ in range(3):
        await fetch(at, site)
    assert site.targets.count("/robots.txt") == 1
    await at.fetch(SpaceId(new_id()), web_address(f"http://shop.example:{site.port}/page"), ("*",))
    assert site.targets.count("/robots.txt") == 2
    clock.advance(seconds=3601)
    await fetch(at, site)
    assert site.targets.count("/robots.txt") == 3


async def test_a_robots_txt_without_an_end_is_read_up_to_its_limit(site: WebSite) -> None:
    rules = b"User-agent: *\nDisallow: /page\n" + b"# \n" * 400_000
    site.put("/robots.txt", rules, media_type="text/plain")
    site.put("/page", b"here")

    with pytest.raises(PageNotReadable, match=r"robots\.txt"):
        await fetch(fetcher(site), site)


async def test_a_cancelled_fetch_closes_its_connection(site: WebSite) -> None:
    closed = asyncio.Event()

    async def waiting(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nx")
        await writer.drain()
        while not writer.transport.is_closing():
            await asyncio.sleep(0.01)
            writer.write(b"x")
        closed.set()

    site.pages["/page"] = waiting
    task = asyncio.ensure_future(fetch(fetcher(site), site))
    await site.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(closed.wait(), 5)


def test_the_loopback_addresses_of_these_tests_exist() -> None:
    for address in (LOOPBACK, INSIDE):
        with socket.socket() as probe:
            probe.bind((address, 0))
