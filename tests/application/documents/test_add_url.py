"""AddUrl: a page becomes a document, if the space may fetch it."""

import asyncio
from collections.abc import Collection as Hosts

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.web_fetcher import MemoryWebFetcher
from application.context import SpaceHeaderMissing
from application.documents.add_url import AddUrl, TooManyFetches
from application.documents.keep import KeepDocument
from application.ports.web_fetcher import WebFetcher
from domain.documents.document import Collection, Document, IngestState
from domain.documents.media import MediaType
from domain.identifiers import SpaceId
from domain.paging import PageRequest
from domain.safety.web_address import AddressNotAllowed, WebAddress
from domain.safety.web_page import PageNotReadable, SiteUnavailable, WebPage
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.settings import SpaceSettings
from fixtures.house import House, context_of

PAGE = b"<html><body><h1>Lamps</h1></body></html>"


class Door:
    """A house with a web, and a space that may fetch from shop.example."""

    def __init__(self, house: House, web: WebFetcher | None = None) -> None:
        self.house = house
        self.web = MemoryWebFetcher()
        self.web.put("https://shop.example/lamps", PAGE)
        self.blobs = MemoryBlobStore()
        self.add = AddUrl(
            settings=house.stores.settings,
            fetcher=web or self.web,
            keep=KeepDocument(
                documents=house.stores.documents,
                blobs=self.blobs,
                jobs=house.jobs,
                embedder=HashEmbedder(),
                clock=house.clock,
                entropy=house.entropy,
            ),
        )

    async def allow(self, *hosts: str) -> None:
        home = self.house.home
        await self.house.stores.settings.put(home.space, SpaceSettings(web_hosts=hosts), home.owner)

    async def __call__(self, url: str, role: Role | None = Role.EDITOR) -> Document:
        return await self.add(context_of(self.house.home, role), url=url)

    async def kept(self) -> int:
        stores, home = self.house.stores, self.house.home
        return len((await stores.documents.list(home.space, PageRequest())).items)


@pytest.fixture
async def door(house: House) -> Door:
    made = Door(house)
    await made.allow("shop.example")
    return made


async def test_a_page_becomes_a_document_named_by_its_address(door: Door) -> None:
    made = await door("HTTPS://Shop.example/lamps#prices")

    assert (made.filename, made.media_type, made.collection, made.state) == (
        "https://shop.example/lamps",
        MediaType.HTML,
        Collection.WEB,
        IngestState.PENDING,
    )
    assert await door.blobs.get(door.house.home.space, made.document_id) == PAGE
    assert door.house.jobs.woken == 1


async def test_a_page_behind_a_redirect_keeps_the_address_it_was_asked_by(door: Door) -> None:
    door.web.lead("https://shop.example/old", "/lamps")

    assert (await door("https://shop.example/old")).filename == "https://shop.example/old"


async def test_the_same_page_again_is_the_same_document(door: Door) -> None:
    first = await door("https://shop.example/lamps")
    again = await door("https://shop.example:443/x/../lamps")

    assert again.document_id == first.document_id
    assert await door.kept() == 1


async def test_a_page_that_changed_is_the_next_version(door: Door) -> None:
    first = await door("https://shop.example/lamps")
    door.web.put("https://shop.example/lamps", PAGE + b"<p>New</p>")
    second = await door("https://shop.example/lamps")

    assert second.document_id != first.document_id
    assert (first.version, second.version) == (1, 2)


async def test_a_space_without_hosts_fetches_nothing(house: House) -> None:
    with pytest.raises(AddressNotAllowed, match="web_hosts"):
        await Door(house)("https://shop.example/lamps")


@pytest.mark.parametrize(
    "url", ["", "shop.example", "file:///etc/passwd", "https://a@shop.example/"]
)
async def test_what_is_no_address_is_refused(door: Door, url: str) -> None:
    with pytest.raises(AddressNotAllowed):
        await door(url)
    assert await door.kept() == 0


async def test_what_cannot_be_fetched_leaves_nothing(door: Door) -> None:
    with pytest.raises(PageNotReadable):
        await door("https://shop.example/none")
    door.web.down.add("shop.example")
    with pytest.raises(SiteUnavailable):
        await door("https://shop.example/lamps")
    assert await door.kept() == 0


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.VIEWER])
async def test_who_may_not_edit_documents_fetches_nothing(door: Door, role: Role) -> None:
    with pytest.raises(ActionNotAllowed):
        await door("https://shop.example/lamps", role)


async def test_a_request_without_a_space_fetches_nothing(door: Door) -> None:
    with pytest.raises(SpaceHeaderMissing):
        await door("https://shop.example/lamps", None)


class _Slow:
    """A fetcher whose sites take their time."""

    def __init__(self) -> None:
        self.under_way = 0
        self.four = asyncio.Event()
        self.go_on = asyncio.Event()

    async def fetch(self, space: SpaceId, address: WebAddress, hosts: Hosts[str]) -> WebPage:
        self.under_way += 1
        if self.under_way == 4:
            self.four.set()
        await self.go_on.wait()
        return WebPage(address=address, media_type=MediaType.HTML, content=PAGE)


async def test_a_space_fetches_a_few_pages_at_once_and_no_more(house: House) -> None:
    slow = _Slow()
    door = Door(house, slow)
    await door.allow("*")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(door(f"https://{n}.example/")) for n in range(4)]
        await slow.four.wait()
        with pytest.raises(TooManyFetches):
            await door("https://5.example/")
        slow.go_on.set()
    assert len({task.result().document_id for task in tasks}) == 4
    assert (await door("https://5.example/")).collection is Collection.WEB
