"""A `WebFetcher` over HTTP: each hop is judged anew, and nothing of ours goes with it."""

import asyncio
from collections.abc import Collection
from functools import partial

from adapters.web.body import TooMuch
from adapters.web.policy import FetchPolicy
from adapters.web.reply import as_utf8, media_type_of_reply
from adapters.web.robots import RobotsCache
from adapters.web.visit import Visited, visit
from application.ports.clock import Clock
from domain.identifiers import SpaceId
from domain.safety.robots import EVERYTHING, MAX_ROBOTS_BYTES, RobotsRules, robots_rules
from domain.safety.web_address import AddressNotAllowed, WebAddress, check_host
from domain.safety.web_page import PageNotReadable, SiteUnavailable, WebPage

PRODUCT = "Obelisk"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_TOO_MANY_REQUESTS = 429


class HttpWebFetcher:
    """Holds no connections open; `policy` is replaced by tests alone."""

    def __init__(
        self, clock: Clock, *, policy: FetchPolicy | None = None, user_agent: str = PRODUCT
    ) -> None:
        self._policy = policy or FetchPolicy()
        self._user_agent = user_agent
        self._room = asyncio.Semaphore(self._policy.at_once)
        self._robots = RobotsCache(
            clock, seconds=self._policy.robots_seconds, most=self._policy.robots_kept
        )

    async def fetch(self, space: SpaceId, address: WebAddress, hosts: Collection[str]) -> WebPage:
        """See the port."""
        seconds = self._policy.whole_seconds
        try:
            async with asyncio.timeout(seconds), self._room:
                return await self._fetch(space, address, hosts)
        except TimeoutError as error:
            raise SiteUnavailable(
                f"the page did not come within {seconds:g} seconds; try again later"
            ) from error

    async def _fetch(self, space: SpaceId, address: WebAddress, hosts: Collection[str]) -> WebPage:
        for _ in range(self._policy.redirects + 1):
            check_host(address.host, hosts)
            rules = await self._robots.rules(
                space, address.origin, partial(self._read_robots, address, hosts)
            )
            if not rules.allows(address.target):
                raise PageNotReadable(
                    f"{address.host} asks programs not to read this page (robots.txt)"
                )
            async with visit(address, self._policy, self._user_agent) as visited:
                onward = _onward(visited, address)
                if onward is None:
                    return await self._page(visited, address)
            address = onward
        raise PageNotReadable("the address leads on too often; give the last one")

    async def _page(self, visited: Visited, address: WebAddress) -> WebPage:
        if visited.status == _TOO_MANY_REQUESTS or visited.status >= 500:
            raise SiteUnavailable(
                f"{address.host} cannot answer now (status {visited.status}); try again later"
            )
        if visited.status != _OK:
            raise PageNotReadable(f"{address.host} answers with status {visited.status}")
        content_type = visited.headers.get("content-type", "")
        media_type = media_type_of_reply(content_type, address)
        try:
            content = await visited.body(self._policy.most_bytes)
        except TooMuch as error:
            most = self._policy.most_bytes / (1024 * 1024)
            raise PageNotReadable(f"the page is larger than {most:g} MiB") from error
        if not content:
            raise PageNotReadable("the page is empty")
        return WebPage(
            address=address,
            media_type=media_type,
            content=as_utf8(content, media_type, content_type),
        )

    async def _read_robots(self, address: WebAddress, hosts: Collection[str]) -> RobotsRules:
        """Raises SiteUnavailable: whether pages may be read cannot be known now."""
        here = address.joined("/robots.txt")
        try:
            for _ in range(self._policy.redirects + 1):
                check_host(here.host, hosts)
                async with visit(here, self._policy, self._user_agent) as visited:
                    onward = _onward(visited, here)
                    if onward is None:
                        return await self._rules(visited, here)
                here = onward
        except (AddressNotAllowed, PageNotReadable):
            # It leads where nothing is read from, or says nothing; the page's own turn is next.
            return EVERYTHING
        return EVERYTHING

    async def _rules(self, visited: Visited, address: WebAddress) -> RobotsRules:
        # Source: RFC 9309, 2.3.1: what is not there forbids nothing, what is broken forbids all.
        if visited.status == _TOO_MANY_REQUESTS or visited.status >= 500:
            raise SiteUnavailable(
                f"{address.host} cannot say now what may be read (robots.txt answers with status "
                f"{visited.status}); try again later"
            )
        if visited.status != _OK:
            return EVERYTHING
        try:
            content = await visited.body(MAX_ROBOTS_BYTES)
        except TooMuch as much:
            content = much.head
        return robots_rules(content, PRODUCT)


def _onward(visited: Visited, address: WebAddress) -> WebAddress | None:
    """Where a redirect leads. Raises AddressNotAllowed, PageNotReadable."""
    location = visited.headers.get("location")
    if visited.status not in _REDIRECTS:
        return None
    if location is None:
        raise PageNotReadable(f"{address.host} leads on, but does not say where")
    onward = address.joined(location)
    if address.scheme == "https" and onward.scheme == "http":
        raise AddressNotAllowed("the address leads from https to http, where anybody can change it")
    return onward
