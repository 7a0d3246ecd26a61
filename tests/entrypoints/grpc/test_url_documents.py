"""A page of the web becomes a document, over gRPC and REST, with the real fetcher."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio

from adapters.web.fetcher import HttpWebFetcher
from adapters.web.policy import FetchPolicy
from entrypoints import startup
from fixtures.hosted import hosted
from fixtures.postgres import Database
from fixtures.web_site import LOOPBACK, Names, WebSite, web_site
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2 as pb
from obelisk.v1 import tenancy_pb2

_BODY = "The lamp shines warmly for ten hours on one charge, and folds flat for any bag there is."
_PAGE = f"""<html><head><title>Our lamps</title></head><body><nav><a href="/">Chairs</a></nav>
<main><article><h1>Lamps</h1><p>{_BODY}</p></article></main>
<footer>Copyright Shop Limited</footer></body></html>""".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A served platform whose internet is one site; `ada` owns the space she is in."""

    site: WebSite
    ada: ObeliskClient
    rest: str

    @property
    def url(self) -> str:
        return f"http://shop.example:{self.site.port}/lamps"

    async def allow(self, *hosts: str) -> None:
        settings = tenancy_pb2.SpaceSettings(tone="warm", web_hosts=hosts)
        answer = await self.ada.tenancy.UpdateSpaceSettings(
            tenancy_pb2.UpdateSpaceSettingsRequest(settings=settings), metadata=self.ada.metadata
        )
        assert list(answer.settings.web_hosts) == list(hosts)

    async def add(self, url: str) -> pb.Document:
        answer = await self.ada.documents.AddUrlDocument(
            pb.AddUrlDocumentRequest(url=url), metadata=self.ada.metadata
        )
        return answer.document

    async def ingested(self, document: pb.Document) -> pb.Document:
        last = document
        async for told in self.ada.ingestion(document.document_id):
            last = told
        return last


@pytest_asyncio.fixture
async def lab(
    fresh_database: Database, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(web_site())
        site.put("/lamps", _PAGE)
        policy = FetchPolicy(
            resolve=Names(shop_example=[[LOOPBACK]], inside_example=[["127.0.0.2"]]),
            is_reachable=lambda ip: ip == LOOPBACK,
            ports=frozenset({site.port}),
        )
        monkeypatch.setattr(startup, "HttpWebFetcher", partial(HttpWebFetcher, policy=policy))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(hosted(fresh_database, folder, valkey_url))
        await server.person("ada@example.com")
        ada = await stack.enter_async_context(server.client("ada@example.com"))
        organization = await ada.tenancy.CreateOrganization(
            tenancy_pb2.CreateOrganizationRequest(display_name="Nordlys"), metadata=ada.metadata
        )
        space = await ada.tenancy.CreateSpace(
            tenancy_pb2.CreateSpaceRequest(
                organization_id=organization.organization.organization_id, display_name="North"
            ),
            metadata=ada.metadata,
        )
        ada.space_id = space.space.space_id
        yield Lab(site=site, ada=ada, rest=server.addresses.rest)


async def test_a_page_is_fetched_read_and_replaced(lab: Lab) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await lab.add(lab.url)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "web_hosts" in (refused.value.details() or "")
    assert lab.site.asked == []

    await lab.allow("shop.example")
    first = await lab.add(lab.url + "#top")
    assert (first.filename, first.collection) == (lab.url, pb.COLLECTION_WEB)
    ready = await lab.ingested(first)
    assert (ready.state, ready.title, ready.failure) == (pb.INGEST_STATE_READY, "Our lamps", "")

    assert (await lab.add(lab.url)).document_id == first.document_id
    lab.site.put("/lamps", _PAGE.replace(b"ten hours", b"nine hours"))
    second = await lab.ingested(await lab.add(lab.url))
    assert (second.state, second.version) == (pb.INGEST_STATE_READY, 2)
    kept = await lab.ada.documents.ListDocuments(
        pb.ListDocumentsRequest(), metadata=lab.ada.metadata
    )
    assert [document.document_id for document in kept.documents] == [second.document_id]


async def test_rest_adds_pages_too_and_says_why_not(lab: Lab) -> None:
    await lab.allow("*")
    headers = dict(lab.ada.metadata)
    async with httpx.AsyncClient(base_url=lab.rest, headers=headers, timeout=30) as client:
        made = await client.post("/v1/documents:fromUrl", json={"url": lab.url})
        assert made.status_code == 200
        assert made.json()["document"]["filename"] == lab.url
        answers = {}
        for url in (
            *("ftp://shop.example/", f"http://inside.example:{lab.site.port}/"),
            *(lab.url + "/none", "http://shop.example:1/"),
        ):
            answer = await client.post("/v1/documents:fromUrl", json={"url": url})
            details = answer.json()["error"]["details"]
            reason = next(detail["reason"] for detail in details if "reason" in detail)
            answers[url] = (answer.status_code, reason)
    assert list(answers.values()) == [
        (400, "ADDRESS_NOT_ALLOWED"),
        (400, "ADDRESS_NOT_ALLOWED"),
        (400, "PAGE_NOT_READABLE"),
        (400, "ADDRESS_NOT_ALLOWED"),
    ]
