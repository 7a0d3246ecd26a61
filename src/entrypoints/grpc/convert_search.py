"""Searches and what they find, from and to messages."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from application.retrieval.search import DEFAULT_LIMIT, FoundPassage, Search
from domain.documents.document import Collection
from domain.documents.media import MediaType
from domain.errors import InvalidInput
from domain.identifiers import DocumentId
from domain.retrieval.query import SearchFilter
from entrypoints.grpc.convert_events import source_place
from entrypoints.grpc.parse import uuid_of
from obelisk.v1 import document_pb2
from obelisk.v1 import search_pb2 as pb

_COLLECTIONS = {
    document_pb2.COLLECTION_BRAND: Collection.BRAND,
    document_pb2.COLLECTION_PRODUCT: Collection.PRODUCT,
    document_pb2.COLLECTION_CAMPAIGN: Collection.CAMPAIGN,
    document_pb2.COLLECTION_WEB: Collection.WEB,
    document_pb2.COLLECTION_GENERAL: Collection.GENERAL,
}
_MEDIA_TYPES = {known.value: known for known in MediaType}


def search_of(request: pb.SearchRequest) -> Search:
    """Raises InvalidInput, naming the field that is wrong."""
    documents = [DocumentId(uuid_of(text, "document_ids")) for text in request.document_ids]
    media_types = [_media_type(text) for text in request.media_types]
    collections = [_collection(value) for value in request.collections]
    within = SearchFilter(
        collections=frozenset(collections or Collection),
        media_types=frozenset(media_types) if media_types else None,
        documents=frozenset(documents) if documents else None,
        created_from=_time(request, "min_create_time"),
        created_before=_time(request, "max_create_time"),
    )
    limit = request.limit or DEFAULT_LIMIT
    return Search(query=request.query, within=within, limit=limit, image=request.image)


def result(found: FoundPassage) -> pb.SearchResult:
    """With where its words stand and how it was found."""
    passage = found.fused.passage
    return pb.SearchResult(
        chunk_id=str(passage.chunk_id),
        document_id=str(passage.document_id),
        title=passage.title,
        filename=passage.filename,
        collection=document_pb2.Collection.Value(f"COLLECTION_{passage.collection.name}"),
        section_path=passage.section_path,
        page=passage.page or 0,
        version=passage.version,
        span_start=passage.span[0],
        span_end=passage.span[1],
        text=passage.text,
        highlights=[pb.Highlight(start=start, end=end) for start, end in found.highlights],
        hits=[
            pb.SearchHit(stream=hit.stream, way=hit.way, rank=hit.rank) for hit in found.fused.hits
        ],
        also_in=[source_place(place) for place in found.fused.also_in],
    )


def _collection(value: document_pb2.Collection.ValueType) -> Collection:
    if value not in _COLLECTIONS:
        known = ", ".join(document_pb2.Collection.Name(number) for number in _COLLECTIONS)
        raise InvalidInput(f"there is no collection {value}; say {known}", field="collections")
    return _COLLECTIONS[value]


def _media_type(text: str) -> MediaType:
    known = _MEDIA_TYPES.get(text.strip().lower())
    if known is None:
        told = f"no document has the media type {text!r:.80}; there are {', '.join(_MEDIA_TYPES)}"
        raise InvalidInput(told, field="media_types")
    return known


def _time(request: pb.SearchRequest, field: str) -> datetime | None:
    if not request.HasField(field):  # type: ignore[arg-type]  # a literal, by its callers
        return None
    given: Timestamp = getattr(request, field)
    try:
        return given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{field} lies outside the years 1 to 9999", field=field) from error
