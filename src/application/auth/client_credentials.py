"""ExchangeClientCredentials: a service's id and secret, or the local operator's, for a token."""

from hmac import compare_digest

from application.auth.attempts import Attempts, from_here
from application.auth.local_operator import LOCAL_OPERATOR, LocalSecret
from application.auth.sessions import Sessions
from application.context import Caller
from application.ports.client_store import ClientStore
from domain.auth.account import SecretRefused
from domain.auth.session import TokenSet
from domain.identifiers import OrganizationId, UserId
from domain.tenancy.invitation import digest_of

_NOBODYS = bytes(32)


class ExchangeClientCredentials:
    """Secrets are 256 random bits, so their SHA-256 is all that is kept of them."""

    def __init__(
        self,
        *,
        clients: ClientStore,
        sessions: Sessions,
        attempts: Attempts,
        local: LocalSecret | None,
    ) -> None:
        self._clients = clients
        self._sessions = sessions
        self._attempts = attempts
        self._local = local

    async def __call__(self, *, client_id: UserId, client_secret: str, caller: Caller) -> TokenSet:
        """The token cannot be renewed: the secret is presented again.

        Raises:
            TooManyAttempts: too many have failed; nothing was checked.
            SecretRefused: no such client, another secret, or it was revoked.
        """
        tried = from_here("client", str(client_id), caller.address)
        await self._attempts.begin(*tried)
        organization, kept = await self._kept(client_id)
        if not compare_digest(digest_of(client_secret), kept):
            raise SecretRefused
        await self._attempts.forgive(*tried)
        return await self._sessions.open(
            user=client_id,
            organization=organization,
            caller=caller,
            operator=client_id == LOCAL_OPERATOR,
            renewable=False,
            bound=client_id != LOCAL_OPERATOR,
        )

    async def _kept(self, client_id: UserId) -> tuple[OrganizationId | None, bytes]:
        if client_id == LOCAL_OPERATOR:
            return None, self._local.digest if self._local is not None else _NOBODYS
        known = await self._clients.client_by_id(client_id)
        if known is None or known.client.revoked:
            return None, _NOBODYS
        return known.client.organization_id, known.secret_hash
