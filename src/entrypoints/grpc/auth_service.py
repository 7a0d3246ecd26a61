"""AuthService on the wire: signing in and out, sessions, keys."""

from application.auth.accept_invitation import AcceptInvitation
from application.auth.accounts import ChangePassword, CurrentUser
from application.auth.client_credentials import ExchangeClientCredentials
from application.auth.issue_tokens import IssueTokens
from application.auth.manage_keys import ManageKeys
from application.auth.oidc import FinishOidc, OidcProviders, StartOidc
from application.auth.sessions import Sessions
from application.auth.sign_in import SignIn
from domain.auth.session import TokenSet
from domain.identifiers import OrganizationId, SessionId, UserId
from entrypoints.grpc import convert_auth as convert
from entrypoints.grpc.call import caller, note_subject, request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import uuid_of
from obelisk.v1 import auth_pb2 as pb
from obelisk.v1 import auth_pb2_grpc


class AuthService(auth_pb2_grpc.AuthServiceServicer):
    def __init__(
        self,
        *,
        sign_in: SignIn,
        exchange: ExchangeClientCredentials,
        accept: AcceptInvitation,
        sessions: Sessions,
        issue: IssueTokens,
        current_user: CurrentUser,
        change_password: ChangePassword,
        keys: ManageKeys,
        oidc_providers: OidcProviders,
        start_oidc: StartOidc,
        finish_oidc: FinishOidc,
    ) -> None:
        self._sign_in = sign_in
        self._exchange = exchange
        self._accept = accept
        self._sessions = sessions
        self._issue = issue
        self._current_user = current_user
        self._change_password = change_password
        self._keys = keys
        self._oidc_providers = oidc_providers
        self._start_oidc = start_oidc
        self._finish_oidc = finish_oidc

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:
        tokens = await self._sign_in(
            email=request.email,
            password=request.password,
            organization_id=_organization(request.organization_id),
            caller=caller(),
        )
        return pb.SignInResponse(tokens=_noted(tokens))

    async def ExchangeClientCredentials(
        self, request: pb.ExchangeClientCredentialsRequest, context: Context
    ) -> pb.ExchangeClientCredentialsResponse:
        tokens = await self._exchange(
            client_id=UserId(uuid_of(request.client_id, "client_id")),
            client_secret=request.client_secret,
            caller=caller(),
        )
        return pb.ExchangeClientCredentialsResponse(tokens=_noted(tokens))

    async def RefreshTokens(
        self, request: pb.RefreshTokensRequest, context: Context
    ) -> pb.RefreshTokensResponse:
        tokens = await self._sessions.refresh(
            request.refresh_token, _organization(request.organization_id), caller()
        )
        return pb.RefreshTokensResponse(tokens=_noted(tokens))

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        tokens = await self._accept(
            invitation_token=request.invitation_token,
            password=request.password,
            display_name=request.display_name,
            caller=caller(),
        )
        return pb.AcceptInvitationResponse(tokens=_noted(tokens))

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        await self._sessions.end(request_context())
        return pb.SignOutResponse()

    async def SignOutEverywhere(
        self, request: pb.SignOutEverywhereRequest, context: Context
    ) -> pb.SignOutEverywhereResponse:
        ended = await self._sessions.end_all(request_context().user_id)
        return pb.SignOutEverywhereResponse(sessions=ended)

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        current = request_context().claims.session_id
        found = await self._sessions.list(request_context())
        return pb.ListSessionsResponse(
            sessions=[convert.session(session, current) for session in found]
        )

    async def RevokeSession(
        self, request: pb.RevokeSessionRequest, context: Context
    ) -> pb.RevokeSessionResponse:
        session = SessionId(uuid_of(request.session_id, "session_id"))
        await self._sessions.revoke_session(request_context(), session)
        return pb.RevokeSessionResponse()

    async def RevokeToken(
        self, request: pb.RevokeTokenRequest, context: Context
    ) -> pb.RevokeTokenResponse:
        await self._sessions.revoke_token(request_context(), request.token_id)
        return pb.RevokeTokenResponse()

    async def RevokeUser(
        self, request: pb.RevokeUserRequest, context: Context
    ) -> pb.RevokeUserResponse:
        user = UserId(uuid_of(request.user_id, "user_id"))
        await self._sessions.revoke_user(request_context(), user, disable=request.disable)
        return pb.RevokeUserResponse()

    async def GetCurrentUser(
        self, request: pb.GetCurrentUserRequest, context: Context
    ) -> pb.GetCurrentUserResponse:
        claims = request_context().claims
        user = await self._current_user(request_context())
        home = claims.organization_id
        # A stale token carries none: what holds now is asked for.
        allowed = await self._issue.permissions(claims.subject, home) if home else ()
        return pb.GetCurrentUserResponse(
            user=convert.user(user),
            organization_id=str(claims.organization_id or ""),
            session_id=str(claims.session_id),
            permissions=sorted(action.value for action in allowed),
        )

    async def ChangePassword(
        self, request: pb.ChangePasswordRequest, context: Context
    ) -> pb.ChangePasswordResponse:
        await self._change_password(
            request_context(),
            current_password=request.current_password,
            new_password=request.new_password,
        )
        return pb.ChangePasswordResponse()

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        return pb.GetJwksResponse(keys=[convert.json_web_key(key) for key in self._keys.jwks()])

    async def ListSigningKeys(
        self, request: pb.ListSigningKeysRequest, context: Context
    ) -> pb.ListSigningKeysResponse:
        found = await self._keys.list(request_context())
        return pb.ListSigningKeysResponse(keys=[convert.signing_key(key) for key in found])

    async def RotateSigningKey(
        self, request: pb.RotateSigningKeyRequest, context: Context
    ) -> pb.RotateSigningKeyResponse:
        rotated = await self._keys.rotate(request_context())
        return pb.RotateSigningKeyResponse(key=convert.signing_key(rotated))

    async def ListOidcProviders(
        self, request: pb.ListOidcProvidersRequest, context: Context
    ) -> pb.ListOidcProvidersResponse:
        found = [convert.oidc_provider(provider) for provider in self._oidc_providers()]
        return pb.ListOidcProvidersResponse(providers=found)

    async def StartOidcSignIn(
        self, request: pb.StartOidcSignInRequest, context: Context
    ) -> pb.StartOidcSignInResponse:
        url, state = await self._start_oidc(
            provider=request.provider, redirect_uri=request.redirect_uri, caller=caller()
        )
        return pb.StartOidcSignInResponse(authorization_url=url, state=state)

    async def FinishOidcSignIn(
        self, request: pb.FinishOidcSignInRequest, context: Context
    ) -> pb.FinishOidcSignInResponse:
        tokens = await self._finish_oidc(
            state=request.state, code=request.code, issuer=request.issuer, caller=caller()
        )
        return pb.FinishOidcSignInResponse(tokens=_noted(tokens))


def _noted(tokens: TokenSet) -> pb.TokenSet:
    """The tokens on the wire; whose they are goes into the audit log."""
    note_subject(tokens.user_id, tokens.organization_id)
    return convert.token_set(tokens)


def _organization(text: str) -> OrganizationId | None:
    return OrganizationId(uuid_of(text, "organization_id")) if text else None
