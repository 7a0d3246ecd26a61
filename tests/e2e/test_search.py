"""Search for people, over gRPC and over HTTP."""

import json

import grpc
import httpx
import pytest

from fixtures.obelisk_process import ObeliskProcess
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2, search_pb2

QUERY = "warranty of refurbished machines"


async def test_a_passage_is_found_with_its_place_its_words_and_its_reasons(
    stocked: ObeliskClient,
) -> None:
    request = search_pb2.SearchRequest(query=QUERY, limit=5)
    answer = await stocked.search.Search(request, metadata=stocked.metadata)
    assert 0 < len(answer.results) <= 5
    assert list(answer.degraded_ways) == []
    for result in answer.results:
        assert result.version == 1
        assert result.span_end > result.span_start >= 0
        assert result.hits
    marked = {
        result.text[mark.start : mark.end].lower()
        for result in answer.results
        for mark in result.highlights
    }
    assert any("warrant" in text for text in marked)


async def test_a_filter_narrows_what_is_found(stocked: ObeliskClient) -> None:
    only_pdf = search_pb2.SearchRequest(query=QUERY, media_types=["application/pdf"])
    answer = await stocked.search.Search(only_pdf, metadata=stocked.metadata)
    assert {result.filename for result in answer.results} == {"product-sheet.pdf"}
    web = search_pb2.SearchRequest(query=QUERY, collections=[document_pb2.COLLECTION_WEB])
    assert not (await stocked.search.Search(web, metadata=stocked.metadata)).results


async def test_the_same_over_http(server: ObeliskProcess, stocked: ObeliskClient) -> None:
    headers = dict(stocked.metadata)
    async with httpx.AsyncClient(base_url=server.rest, headers=headers, timeout=60) as web:
        body = {"query": QUERY, "limit": 2, "mediaTypes": ["text/markdown"]}
        answer = await web.post("/v1/search", json=body)
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert {result["filename"] for result in results} == {"2026-06.md"}
        assert results[0]["hits"][0]["rank"] >= 1
        refused = await web.post("/v1/search", json={"query": ""})
        assert refused.status_code == 400
        assert json.loads(refused.text)["error"]["message"].startswith("a query has 1 to")


async def test_a_search_names_its_space(stocked: ObeliskClient) -> None:
    metadata = tuple(pair for pair in stocked.metadata if pair[0] != "x-space-id")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stocked.search.Search(search_pb2.SearchRequest(query=QUERY), metadata=metadata)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
