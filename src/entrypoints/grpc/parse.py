"""Wire values into the domain's, once, at the edge."""

from collections.abc import Iterable
from uuid import UUID

from domain.documents.document import Collection
from domain.errors import InvalidInput
from domain.identifiers import ConversationId, DocumentId, SpaceId
from domain.runs.admission import DoubleText
from domain.runs.pause import Decision
from domain.runs.run import Question
from domain.safety.web_address import checked_host_rule
from domain.tenancy.access import Role
from domain.tenancy.invitation import space_roles_of
from domain.tenancy.settings import BrandVoice, SpaceSettings
from obelisk.v1 import document_pb2, member_pb2, run_pb2, tenancy_pb2

_COLLECTIONS = {
    document_pb2.COLLECTION_UNSPECIFIED: Collection.GENERAL,
    document_pb2.COLLECTION_BRAND: Collection.BRAND,
    document_pb2.COLLECTION_PRODUCT: Collection.PRODUCT,
    document_pb2.COLLECTION_CAMPAIGN: Collection.CAMPAIGN,
    document_pb2.COLLECTION_WEB: Collection.WEB,
    document_pb2.COLLECTION_GENERAL: Collection.GENERAL,
}

_DOUBLE_TEXTS = {
    run_pb2.DOUBLE_TEXT_UNSPECIFIED: DoubleText.ENQUEUE,
    run_pb2.DOUBLE_TEXT_REJECT: DoubleText.REJECT,
    run_pb2.DOUBLE_TEXT_ENQUEUE: DoubleText.ENQUEUE,
    run_pb2.DOUBLE_TEXT_INTERRUPT: DoubleText.INTERRUPT,
    run_pb2.DOUBLE_TEXT_ROLLBACK: DoubleText.ROLLBACK,
}

_DECISIONS = {
    run_pb2.DECISION_APPROVE: Decision.APPROVE,
    run_pb2.DECISION_REJECT: Decision.REJECT,
}

_ROLES = {
    member_pb2.ROLE_OWNER: Role.OWNER,
    member_pb2.ROLE_ADMIN: Role.ADMIN,
    member_pb2.ROLE_EDITOR: Role.EDITOR,
    member_pb2.ROLE_REVIEWER: Role.REVIEWER,
    member_pb2.ROLE_VIEWER: Role.VIEWER,
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


def double_text_of(request: run_pb2.StartRunRequest) -> DoubleText:
    """Not given means ENQUEUE; a number that no version knows is refused."""
    if request.double_text not in _DOUBLE_TEXTS:
        raise InvalidInput(f"there is no double_text {request.double_text}", field="double_text")
    return _DOUBLE_TEXTS[request.double_text]


def decision_of(request: run_pb2.ResumeRunRequest) -> Decision:
    """Raises InvalidInput unless it is one of the two."""
    if request.decision not in _DECISIONS:
        raise InvalidInput("decide DECISION_APPROVE or DECISION_REJECT", field="decision")
    return _DECISIONS[request.decision]


def settings_of(message: tenancy_pb2.SpaceSettings) -> SpaceSettings:
    """Raises InvalidInput for what is too long or too much."""
    voice = BrandVoice(
        tone=message.tone,
        reading_level=message.reading_level,
        terms_to_use=tuple(message.terms_to_use),
        terms_to_avoid=tuple(message.terms_to_avoid),
        claims_needing_proof=tuple(message.claims_needing_proof),
    )
    return SpaceSettings(
        brand_voice=voice,
        facts=dict(message.facts),
        web_hosts=tuple(checked_host_rule(rule) for rule in message.web_hosts),
    )


def role_of(value: member_pb2.Role.ValueType, field: str = "role") -> Role:
    """Raises InvalidInput, naming the field; there is no role that is meant when none is given."""
    if value not in _ROLES:
        known = ", ".join(member_pb2.Role.Name(role) for role in _ROLES)
        what = "is not given" if value == member_pb2.ROLE_UNSPECIFIED else f"is no role: {value}"
        raise InvalidInput(f"{field} {what}; send one of {known}", field=field)
    return _ROLES[value]


def space_roles(messages: Iterable[member_pb2.SpaceRole]) -> dict[SpaceId, Role]:
    """Raises InvalidInput for what is none, for a space that stands twice, and for too many."""
    return space_roles_of(
        (
            SpaceId(uuid_of(message.space_id, "space_roles.space_id")),
            role_of(message.role, "space_roles.role"),
        )
        for message in messages
    )
