"""The two tables that a person keeps: what each RPC is confined to, and what each field names.

An RPC or a field that stands in neither fails the build.
"""

from enum import Enum

HEADER = "x-space-id"


class Unclassified(Exception):
    """The contract has something that nobody has said how to try."""


class Kind(Enum):
    """What an id may be of."""

    ORGANIZATION = "organization"
    SPACE = "space"
    DOCUMENT = "document"
    CHUNK = "chunk"
    UPLOAD = "upload"
    CONVERSATION = "conversation"
    MESSAGE = "message"
    RUN = "run"
    PAUSED_RUN = "paused run"
    REQUEST = "request"
    USER = "user"
    SESSION = "session"
    TOKEN = "token"
    INVITATION = "invitation"
    CLIENT = "client"
    RECEIPT = "receipt"
    AUDIT = "audit"
    PAGE = "page"


class Scope(Enum):
    """What a call is confined to."""

    OPEN = "open"  # nobody is known yet
    SELF = "self"  # the caller's own sessions and account
    OPERATOR = "operator"  # the installation
    ORGANIZATION = "organization"
    SPACE = "space"


SCOPES = {
    "AgentService.ListAgents": Scope.SELF,
    "AuditService.ListAuditEvents": Scope.ORGANIZATION,
    "AuthService.SignIn": Scope.OPEN,
    "AuthService.ExchangeClientCredentials": Scope.OPEN,
    "AuthService.RefreshTokens": Scope.OPEN,
    "AuthService.AcceptInvitation": Scope.OPEN,
    "AuthService.SignOut": Scope.SELF,
    "AuthService.SignOutEverywhere": Scope.SELF,
    "AuthService.ListSessions": Scope.SELF,
    "AuthService.RevokeSession": Scope.SELF,
    "AuthService.RevokeToken": Scope.SELF,
    "AuthService.RevokeUser": Scope.OPERATOR,
    "AuthService.GetCurrentUser": Scope.SELF,
    "AuthService.ChangePassword": Scope.SELF,
    "AuthService.GetJwks": Scope.OPEN,
    "AuthService.ListSigningKeys": Scope.OPERATOR,
    "AuthService.RotateSigningKey": Scope.OPERATOR,
    "AuthService.ListOidcProviders": Scope.OPEN,
    "AuthService.StartOidcSignIn": Scope.OPEN,
    "AuthService.FinishOidcSignIn": Scope.OPEN,
    "ConversationService.CreateConversation": Scope.SPACE,
    "ConversationService.ListConversations": Scope.SPACE,
    "ConversationService.ListMessages": Scope.SPACE,
    "ConversationService.GetConversation": Scope.SPACE,
    "ConversationService.UpdateConversation": Scope.SPACE,
    "ConversationService.PrepareConversation": Scope.SPACE,
    "ConversationService.DeleteConversation": Scope.SPACE,
    "DocumentService.UploadDocument": Scope.SPACE,
    "DocumentService.AddUrlDocument": Scope.SPACE,
    "DocumentService.WatchDocument": Scope.SPACE,
    "DocumentService.ListDocumentFindings": Scope.SPACE,
    "DocumentService.DecideDocumentFinding": Scope.SPACE,
    "DocumentService.StartUpload": Scope.SPACE,
    "DocumentService.AppendUpload": Scope.SPACE,
    "DocumentService.GetUpload": Scope.SPACE,
    "DocumentService.FinishUpload": Scope.SPACE,
    "DocumentService.CancelUpload": Scope.SPACE,
    "DocumentService.GetDocument": Scope.SPACE,
    "DocumentService.ListDocuments": Scope.SPACE,
    "DocumentService.DeleteDocument": Scope.SPACE,
    "MemberService.ListMembers": Scope.ORGANIZATION,
    "MemberService.SetMember": Scope.ORGANIZATION,
    "MemberService.RemoveMember": Scope.ORGANIZATION,
    "MemberService.ListSpaceMembers": Scope.SPACE,
    "MemberService.SetSpaceMember": Scope.SPACE,
    "MemberService.RemoveSpaceMember": Scope.SPACE,
    "MemberService.CreateInvitation": Scope.ORGANIZATION,
    "MemberService.ListInvitations": Scope.ORGANIZATION,
    "MemberService.RevokeInvitation": Scope.ORGANIZATION,
    "MemberService.CreateServiceClient": Scope.ORGANIZATION,
    "MemberService.ListServiceClients": Scope.ORGANIZATION,
    "MemberService.RevokeServiceClient": Scope.ORGANIZATION,
    "RunService.StartRun": Scope.SPACE,
    "RunService.WatchRun": Scope.SPACE,
    "RunService.CancelRun": Scope.SPACE,
    "RunService.ResumeRun": Scope.SPACE,
    "RunService.GetRun": Scope.SPACE,
    "RunService.ListRuns": Scope.SPACE,
    "SearchService.Search": Scope.SPACE,
    "TenancyService.CreateOrganization": Scope.SELF,
    "TenancyService.ListOrganizations": Scope.SELF,
    "TenancyService.CreateSpace": Scope.ORGANIZATION,
    "TenancyService.ListSpaces": Scope.ORGANIZATION,
    "TenancyService.GetSpaceSettings": Scope.SPACE,
    "TenancyService.UpdateSpaceSettings": Scope.SPACE,
    "TenancyService.UpdateOrganization": Scope.ORGANIZATION,
    "TenancyService.DeleteOrganization": Scope.ORGANIZATION,
    "TenancyService.UpdateSpace": Scope.SPACE,
    "TenancyService.DeleteSpace": Scope.SPACE,
    "TenancyService.GetErasureReceipt": Scope.SELF,
    "TenancyService.ListSpaceSettingsVersions": Scope.SPACE,
}

# Calls that are no GET and change nothing: what is sought stands in no address.
READS = frozenset({"SearchService.Search"})

SECRET = "secret"
# Each string field of a request by its name, or by its message and name: the kind of id that
# belongs there, a secret (which is given an id all the same), or None for text that names nothing.
FIELDS: dict[str, Kind | str | None] = {
    "organization_id": Kind.ORGANIZATION,
    "space_id": Kind.SPACE,
    "document_id": Kind.DOCUMENT,
    "document_ids": Kind.DOCUMENT,
    "upload_id": Kind.UPLOAD,
    "conversation_id": Kind.CONVERSATION,
    "run_id": Kind.RUN,
    "ResumeRunRequest.run_id": Kind.PAUSED_RUN,
    "request_id": Kind.REQUEST,
    "user_id": Kind.USER,
    "session_id": Kind.SESSION,
    "token_id": Kind.TOKEN,
    "invitation_id": Kind.INVITATION,
    "client_id": Kind.CLIENT,
    "receipt_id": Kind.RECEIPT,
    "page_token": Kind.PAGE,
    "refresh_token": SECRET,
    "invitation_token": SECRET,
    "client_secret": SECRET,
    "state": SECRET,
    "code": SECRET,
    "agent": None,
    "current_password": None,
    "display_name": None,
    "email": None,
    "filename": None,
    "issuer": None,
    "media_types": None,
    "new_password": None,
    "note": None,
    "password": None,
    "pause_id": None,
    "provider": None,
    "query": None,
    "question": None,
    "reading_level": None,
    "redirect_uri": None,
    "terms_to_avoid": None,
    "terms_to_use": None,
    "claims_needing_proof": None,
    "title": None,
    "tone": None,
    "url": None,
    "web_hosts": None,
}

# What a request says where it names nothing, so that only the id decides its answer.
TEXTS: dict[str, str | dict[str, str | list[str]]] = {
    "agent": "brand",
    "display_name": "Mine",
    "email": "somebody@example.org",
    "filename": "mine.md",
    "StartUpload.size_bytes": "6",
    "current_password": "wrong horse battery staple",
    "new_password": "correct horse battery staple",
    "password": "wrong horse battery staple",
    "decision": "DECISION_APPROVE",
    "DecideDocumentFinding.decision": "FINDING_DECISION_REMOVED",
    "pause_id": "approval",
    "provider": "none",
    "query": "What do we sell?",
    "question": "What do we sell?",
    "redirect_uri": "http://127.0.0.1/back",
    "title": "Mine",
    "url": "https://shop.example/lamps",
    "role": "ROLE_EDITOR",
    "settings": {"tone": "Mine", "web_hosts": ["shop.example"]},
}
# Fields that a request may leave empty; they hold something only where that is what is tried.
OPTIONAL = frozenset(
    {
        *("page_token", "request_id", "conversation_id", "document_ids", "space_id"),
        *("SignIn.organization_id", "RefreshTokens.organization_id"),
    }
)
