"""Sign-ins at OpenID providers in memory."""

from dataclasses import dataclass
from datetime import datetime

from adapters.memory.tenants import MemoryTenants
from domain.identifiers import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    provider: str
    sealed: bytes
    expire_time: datetime


class MemoryOidcStore:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants
        self._flows: dict[bytes, _Flow] = {}
        self._users: dict[tuple[str, str], UserId] = {}

    async def begin(
        self,
        state_hash: bytes,
        provider: str,
        sealed: bytes,
        expire_time: datetime,
        *,
        now: datetime,
    ) -> None:
        self._flows = {key: flow for key, flow in self._flows.items() if flow.expire_time > now}
        flow = _Flow(provider=provider, sealed=sealed, expire_time=expire_time)
        self._flows[state_hash] = flow

    async def take(self, state_hash: bytes, now: datetime) -> tuple[str, bytes] | None:
        flow = self._flows.pop(state_hash, None)
        if flow is None or flow.expire_time <= now:
            return None
        return flow.provider, flow.sealed

    async def user_of(self, issuer: str, subject: str) -> UserId | None:
        return self._users.get((issuer, subject))

    async def issuers_of(self, user: UserId) -> frozenset[str]:
        return frozenset(issuer for (issuer, _), linked in self._users.items() if linked == user)

    async def link(self, issuer: str, subject: str, user: UserId) -> UserId | None:
        if issuer not in await self.issuers_of(user):
            self._users.setdefault((issuer, subject), user)
        return self._users.get((issuer, subject))

    async def open_invitations(self, email: str, now: datetime) -> tuple[bytes, ...]:
        found = [
            (invitation.create_time, token_hash)
            for token_hash, invitation in self._tenants.invitations.items()
            if invitation.email == email and invitation.expire_time > now
        ]
        return tuple(token_hash for _, token_hash in sorted(found))
