"""AddUrl: fetch a page of the web, and keep it as a document that is named by its address."""

from collections import Counter

from application.context import RequestContext
from application.documents.keep import KeepDocument
from application.ports.settings_store import SettingsStore
from application.ports.web_fetcher import WebFetcher
from domain.documents.document import Collection, Document
from domain.errors import QuotaExceeded
from domain.identifiers import SpaceId
from domain.safety.web_address import check_host, web_address
from domain.tenancy.access import Action

# One space's slow sites must not keep the others waiting.
_AT_ONCE_PER_SPACE = 4


class TooManyFetches(QuotaExceeded):
    reason = "TOO_MANY_FETCHES"

    def __init__(self) -> None:
        super().__init__(
            f"this space is fetching {_AT_ONCE_PER_SPACE} pages already; try again in a moment"
        )


class AddUrl:
    def __init__(self, *, settings: SettingsStore, fetcher: WebFetcher, keep: KeepDocument) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._keep = keep
        self._fetching: Counter[SpaceId] = Counter()

    async def __call__(self, context: RequestContext, *, url: str) -> Document:
        """Answer once the page's bytes are kept; adding the same address again replaces it.

        Raises:
            AddressNotAllowed (also for a host that is not among the space's `web_hosts`),
            PageNotReadable, SiteUnavailable, TooManyFetches,
            SpaceNotFound (erased meanwhile: nothing is kept).
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        address = web_address(url)
        hosts = (await self._settings.get(space)).web_hosts
        check_host(address.host, hosts)
        if self._fetching[space] >= _AT_ONCE_PER_SPACE:
            raise TooManyFetches
        self._fetching[space] += 1
        try:
            page = await self._fetcher.fetch(space, address, hosts)
        finally:
            self._fetching -= Counter({space: 1})
        return await self._keep(
            space,
            filename=str(address),
            media_type=page.media_type,
            collection=Collection.WEB,
            content=page.content,
        )
