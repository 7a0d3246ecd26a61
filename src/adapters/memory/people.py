"""Who can sign in, shared by the stores in memory as their tables are in a database."""

from dataclasses import dataclass, field, replace

from domain.auth.account import User
from domain.identifiers import UserId


@dataclass(slots=True)
class MemoryPeople:
    """`services` are clients that are not revoked; `addresses` where sessions were opened from."""

    users: dict[UserId, User] = field(default_factory=dict)
    services: set[UserId] = field(default_factory=set)
    addresses: dict[UserId, list[str]] = field(default_factory=dict)

    def may_sign_in(self, user: UserId) -> bool:
        found = self.users.get(user)
        return user in self.services or (found is not None and not found.disabled)

    def close(self, user: UserId) -> None:
        """Disable the user, or revoke the service."""
        self.services.discard(user)
        if user in self.users:
            self.users[user] = replace(self.users[user], disabled=True)
