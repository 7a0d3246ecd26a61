"""A small web in memory, with its sites, redirects and robots.txt."""

from collections.abc import Collection

from domain.documents.media import MediaType
from domain.identifiers import SpaceId
from domain.safety.robots import robots_rules
from domain.safety.web_address import AddressNotAllowed, WebAddress, check_host, web_address
from domain.safety.web_page import PageNotReadable, SiteUnavailable, WebPage

_REDIRECTS = 5


class MemoryWebFetcher:
    """Hosts that were given nothing do not exist; those in `down` do not answer."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.most_bytes = 1024 * 1024
        self._pages: dict[WebAddress, WebPage] = {}
        self._leads: dict[WebAddress, str] = {}
        self._robots: dict[str, bytes] = {}

    def put(self, url: str, content: bytes, media_type: MediaType = MediaType.HTML) -> None:
        """Let a page lie at `url` from now on."""
        address = web_address(url)
        self._pages[address] = WebPage(address=address, media_type=media_type, content=content)

    def lead(self, url: str, onward: str) -> None:
        """Let `url` lead to `onward`, which may be relative."""
        self._leads[web_address(url)] = onward

    def put_robots(self, url: str, content: bytes) -> None:
        """Let the site of `url` have this robots.txt."""
        self._robots[web_address(url).origin] = content

    async def fetch(self, space: SpaceId, address: WebAddress, hosts: Collection[str]) -> WebPage:
        for _ in range(_REDIRECTS + 1):
            check_host(address.host, hosts)
            self._check_site(address)
            if address not in self._leads:
                return self._page(address)
            address = address.joined(self._leads[address])
        raise PageNotReadable("the address leads on too often; give the last one")

    def _check_site(self, address: WebAddress) -> None:
        if address.host in self.down:
            raise SiteUnavailable(f"{address.host} does not answer; try again later")
        known = {place.host for place in (*self._pages, *self._leads)}
        if address.host not in known:
            raise AddressNotAllowed(f"{address.host} has no public address; check its spelling")
        rules = robots_rules(self._robots.get(address.origin, b""), "Obelisk")
        if not rules.allows(address.target):
            raise PageNotReadable(
                f"{address.host} asks programs not to read this page (robots.txt)"
            )

    def _page(self, address: WebAddress) -> WebPage:
        page = self._pages.get(address)
        if page is None:
            raise PageNotReadable(f"{address.host} answers with status 404")
        if not page.content:
            raise PageNotReadable("the page is empty")
        if len(page.content) > self.most_bytes:
            raise PageNotReadable("the page is larger than allowed")
        return page
