"""Revocations in memory, with the epochs of the tenants beside them."""

from adapters.memory.tenants import MemoryTenants
from application.ports.authority_feed import AuthorityNews
from application.ports.clock import Clock
from domain.auth.revocation import KEPT_FOR, AuthorityChange, ChangeKind


class MemoryAuthorityFeed:
    """The mark counts the changes told so far; epochs come anew with every reading."""

    def __init__(self, tenants: MemoryTenants, clock: Clock) -> None:
        self._tenants = tenants
        self._clock = clock
        self._told: list[AuthorityChange] = []

    async def read(self, after: int | None) -> AuthorityNews:
        now = self._clock.now()
        epochs = [
            AuthorityChange(
                kind=ChangeKind.EPOCH, subject=str(user), epoch=epoch, expire_time=now + KEPT_FOR
            )
            for user, epoch in self._tenants.epochs.items()
        ]
        told = [change for change in self._told[after or 0 :] if change.expire_time > now]
        return AuthorityNews(changes=[*told, *epochs], mark=len(self._told))

    async def tell(self, change: AuthorityChange) -> None:
        self._told.append(change)
