"""Wire values into the domain's, once, at the edge."""

from uuid import UUID

from domain.documents.document import Collection
from domain.errors import InvalidInput
from domain.identifiers import ConversationId, DocumentId
from domain.runs.run import Question
from domain.tenancy.settings import BrandVoice, SpaceSettings
from obelisk.v1 import document_pb2, run_pb2, tenancy_pb2

_COLLECTIONS = {
    document_pb2.COLLECTION_UNSPECIFIED: Collection.GENERAL,
    document_pb2.COLLECTION_BRAND: Collection.BRAND,
    document_pb2.COLLECTION_PRODUCT: Collection.PRODUCT,
    document_pb2.COLLECTION_CAMPAIGN: Collection.CAMPAIGN,
    document_pb2.COLLECTION_WEB: Collection.WEB,
    document_pb2.COLLECTION_GENERAL: Collection.GENERAL,
}


def uuid_of(text: str, field: str) -> UUID:
    """Raises InvalidInput, naming the field."""
    try:
        return UUID(text)
    except ValueError:
        what = "is empty" if not text else "is not a UUID"
        raise InvalidInput(f"{field} {what}; send one with hyphens", field=field) from None


def collection_of(value: document_pb2.Collection.ValueType) -> Collection:
    """Not given means GENERAL; a number that no version knows is refused."""
    if value not in _COLLECTIONS:
        raise InvalidInput(f"there is no collection {value}", field="metadata.collection")
    return _COLLECTIONS[value]


def question_of(request: run_pb2.StartRunRequest) -> Question:
    """Raises InvalidInput, naming the field that is wrong."""
    conversation = request.conversation_id
    return Question(
        agent=request.agent,
        text=request.question,
        conversation_id=(
            ConversationId(uuid_of(conversation, "conversation_id")) if conversation else None
        ),
        document_ids=tuple(
            DocumentId(uuid_of(document, "document_ids")) for document in request.document_ids
        ),
    )


def request_id_of(request: run_pb2.StartRunRequest) -> UUID | None:
    """None when the caller gave none."""
    return uuid_of(request.request_id, "request_id") if request.request_id else None


def settings_of(message: tenancy_pb2.SpaceSettings) -> SpaceSettings:
    """Raises InvalidInput for what is too long or too much."""
    voice = BrandVoice(
        tone=message.tone,
        reading_level=message.reading_level,
        terms_to_use=tuple(message.terms_to_use),
        terms_to_avoid=tuple(message.terms_to_avoid),
        claims_needing_proof=tuple(message.claims_needing_proof),
    )
    return SpaceSettings(brand_voice=voice, facts=dict(message.facts))
