from collections.abc import Collection
from typing import Protocol

from domain.identifiers import SpaceId
from domain.safety.web_address import WebAddress
from domain.safety.web_page import WebPage


class WebFetcher(Protocol):
    """Reads pages of the public web as a stranger would: without cookies or credentials of ours.

    Nothing inside a network of ours is ever reached, whatever a name resolves to and wherever a
    redirect leads.
    """

    async def fetch(self, space: SpaceId, address: WebAddress, hosts: Collection[str]) -> WebPage:
        """Read one page for a space that may fetch from `hosts` (see `checked_host_rule`).

        Each redirect is judged like the first address, by the hosts and by the site's robots.txt.
        Bounded in bytes, in time and in redirects.

        Raises:
            AddressNotAllowed: not a host of the space's, not a public one, or not a usual port.
            PageNotReadable: the site or its robots.txt refuse, or what comes is over a limit or of
                a kind that no document is.
            SiteUnavailable: no answer in time, or one that says to try again later.
        """
        ...
