"""Names for the identities of the domain, so that one can never be passed for another."""

from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
SpaceId = NewType("SpaceId", UUID)
UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
InvitationId = NewType("InvitationId", UUID)
ReceiptId = NewType("ReceiptId", UUID)
AuditId = NewType("AuditId", UUID)
DocumentId = NewType("DocumentId", UUID)
UploadId = NewType("UploadId", UUID)
ChunkId = NewType("ChunkId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
RunId = NewType("RunId", UUID)
WorkerId = NewType("WorkerId", UUID)
