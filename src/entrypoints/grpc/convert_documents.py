"""Documents and what is hidden in them, as messages."""

from application.runs.watch import Heartbeat
from domain.documents.document import Collection, Document, IngestState
from domain.documents.finding import Decision, Finding
from domain.documents.structure import HiddenKind
from domain.documents.upload import Upload
from domain.errors import InvalidInput
from entrypoints.grpc.convert import timestamp
from obelisk.v1 import document_pb2

_COLLECTIONS = {
    Collection.BRAND: document_pb2.COLLECTION_BRAND,
    Collection.PRODUCT: document_pb2.COLLECTION_PRODUCT,
    Collection.CAMPAIGN: document_pb2.COLLECTION_CAMPAIGN,
    Collection.WEB: document_pb2.COLLECTION_WEB,
    Collection.GENERAL: document_pb2.COLLECTION_GENERAL,
}
_INGEST_STATES = {
    IngestState.PENDING: document_pb2.INGEST_STATE_PENDING,
    IngestState.CONVERTING: document_pb2.INGEST_STATE_CONVERTING,
    IngestState.EMBEDDING: document_pb2.INGEST_STATE_EMBEDDING,
    IngestState.READY: document_pb2.INGEST_STATE_READY,
    IngestState.FAILED: document_pb2.INGEST_STATE_FAILED,
}
_KINDS = {
    HiddenKind.WHITE: document_pb2.HIDDEN_KIND_WHITE,
    HiddenKind.TINY: document_pb2.HIDDEN_KIND_TINY,
    HiddenKind.OFF_PAGE: document_pb2.HIDDEN_KIND_OFF_PAGE,
    HiddenKind.COVERED: document_pb2.HIDDEN_KIND_COVERED,
    HiddenKind.INVISIBLE: document_pb2.HIDDEN_KIND_INVISIBLE,
    HiddenKind.COMMENT: document_pb2.HIDDEN_KIND_COMMENT,
    HiddenKind.ZERO_WIDTH: document_pb2.HIDDEN_KIND_ZERO_WIDTH,
    HiddenKind.TAG_CHARACTERS: document_pb2.HIDDEN_KIND_TAG_CHARACTERS,
    HiddenKind.METADATA: document_pb2.HIDDEN_KIND_METADATA,
}
_DECISIONS = {
    Decision.PENDING: document_pb2.FINDING_DECISION_PENDING,
    Decision.ALLOWED: document_pb2.FINDING_DECISION_ALLOWED,
    Decision.REMOVED: document_pb2.FINDING_DECISION_REMOVED,
}


def document(value: Document) -> document_pb2.Document:
    return document_pb2.Document(
        document_id=str(value.document_id),
        filename=value.filename,
        title=value.title,
        media_type=value.media_type.value,
        collection=_COLLECTIONS[value.collection],
        size_bytes=value.size_bytes,
        content_sha256=value.content_sha256,
        state=_INGEST_STATES[value.state],
        chunk_count=value.chunk_count,
        page_count=value.page_count,
        failure=value.failure,
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        version=value.version,
        stage_done=value.stage_done,
        stage_total=value.stage_total,
        retries=value.retries,
        warnings=[text.encode("utf-8", "replace").decode() for text in value.warnings],
    )


def watched(told: Document | Heartbeat) -> document_pb2.WatchDocumentResponse:
    """One message of WatchDocument's stream."""
    if isinstance(told, Heartbeat):
        return document_pb2.WatchDocumentResponse(heartbeat_time=timestamp(told.time))
    return document_pb2.WatchDocumentResponse(document=document(told))


def upload(value: Upload) -> document_pb2.Upload:
    return document_pb2.Upload(
        upload_id=str(value.upload_id),
        filename=value.filename,
        collection=_COLLECTIONS[value.collection],
        size_bytes=value.size_bytes,
        received_bytes=value.received_bytes,
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
    )


def finding(value: Finding) -> document_pb2.DocumentFinding:
    return document_pb2.DocumentFinding(
        ordinal=value.ordinal,
        kind=_KINDS[value.kind],
        page=value.page or 0,
        # A wire string holds whole characters alone.
        text=value.text.encode("utf-8", "replace").decode(),
        decision=_DECISIONS[value.decision],
        decider_id=str(value.decided_by) if value.decided_by else "",
        decide_time=timestamp(value.decide_time) if value.decide_time else None,
    )


def decision_of(value: document_pb2.FindingDecision.ValueType) -> Decision:
    """Raises InvalidInput for one that is not given, or that this server does not know."""
    for decision, message in _DECISIONS.items():
        if message == value:
            return decision
    raise InvalidInput("decide ALLOWED or REMOVED", field="decision")
