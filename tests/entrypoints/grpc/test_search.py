"""Searches as messages."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from application.retrieval.search import FoundPassage
from domain.documents.document import Collection
from domain.documents.media import MediaType
from domain.errors import InvalidInput
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import FusedPassage, Hit, Passage
from domain.retrieval.query import SearchFilter
from entrypoints.grpc.convert_search import result, search_of
from obelisk.v1 import document_pb2
from obelisk.v1 import search_pb2 as pb

ID = "0190b5a0-0000-7000-8000-000000000001"


def test_what_is_not_given_narrows_nothing() -> None:
    found = search_of(pb.SearchRequest(query="bags"))
    assert (found.query, found.limit) == ("bags", 10)
    assert found.within == SearchFilter(collections=frozenset(Collection))


def test_every_filter_reaches_the_search() -> None:
    request = pb.SearchRequest(
        query="bags",
        collections=[document_pb2.COLLECTION_WEB],
        media_types=["application/PDF "],
        document_ids=[ID],
        min_create_time=Timestamp(seconds=0),
        max_create_time=Timestamp(seconds=86_400),
        limit=50,
    )
    found = search_of(request)
    assert found.limit == 50
    assert found.within.collections == {Collection.WEB}
    assert found.within.media_types == frozenset({MediaType.PDF})
    assert found.within.documents == frozenset({DocumentId(UUID(ID))})
    assert found.within.created_from == datetime(1970, 1, 1, tzinfo=UTC)
    assert found.within.created_before == datetime(1970, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (pb.SearchRequest(query=" "), "1 to 1,000 characters"),
        (pb.SearchRequest(query="a", document_ids=["x"]), "not a UUID"),
        (pb.SearchRequest(query="a", media_types=["text/cobol"]), "application/pdf"),
        (
            pb.SearchRequest(query="a", collections=[document_pb2.COLLECTION_UNSPECIFIED]),
            "COLLECTION_WEB",
        ),
        (pb.SearchRequest(query="a", limit=51), "1 to 50"),
        (pb.SearchRequest(query="a", limit=-1), "1 to 50"),
        (
            pb.SearchRequest(
                query="a",
                min_create_time=Timestamp(seconds=9),
                max_create_time=Timestamp(seconds=9),
            ),
            "ends before it begins",
        ),
        (pb.SearchRequest(query="a", min_create_time=Timestamp(seconds=-(2**62))), "years"),
        (pb.SearchRequest(query="a", min_create_time=Timestamp(nanos=-1)), "years"),
    ],
)
def test_what_is_wrong_is_said(request_: pb.SearchRequest, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        search_of(request_)


def test_a_result_carries_its_place_its_marks_and_its_reasons() -> None:
    passage = Passage(
        chunk_id=ChunkId(UUID(ID)),
        document_id=DocumentId(UUID(ID)),
        title="Guide",
        filename="guide.md",
        collection=Collection.BRAND,
        section_path=("Fish",),
        page=None,
        text="Smoked herring",
        version=2,
        span=(10, 24),
    )
    hit = Hit(stream="semantic", way="words", rank=3)
    fused = FusedPassage(
        passage=passage, streams=("semantic",), score=1.0, hits=(hit,), also_in=(passage.place,)
    )
    sent = result(FoundPassage(fused=fused, highlights=((0, 6), (7, 14))))
    assert (sent.version, sent.span_start, sent.span_end, sent.page) == (2, 10, 24, 0)
    assert sent.collection == document_pb2.COLLECTION_BRAND
    assert [(mark.start, mark.end) for mark in sent.highlights] == [(0, 6), (7, 14)]
    assert [(h.stream, h.way, h.rank) for h in sent.hits] == [("semantic", "words", 3)]
    (place,) = sent.also_in
    assert (place.filename, place.version, place.span_end) == ("guide.md", 2, 24)
