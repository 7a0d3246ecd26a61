"""The operator at this machine: an account without a password, let in by a secret in a file."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from application.ports.account_store import AccountStore
from application.ports.clock import Clock
from domain.auth.account import EmailTaken, User
from domain.identifiers import UserId

LOCAL_OPERATOR = UserId(uuid5(NAMESPACE_URL, "obelisk:user:local"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSecret:
    """What is kept in memory of this process's own secret: its SHA-256."""

    digest: bytes


async def ensure_local_operator(accounts: AccountStore, clock: Clock) -> None:
    """Make the operator's account when there is none. Other processes may do so meanwhile."""
    if await accounts.get(LOCAL_OPERATOR) is not None:
        return
    user = User(
        user_id=LOCAL_OPERATOR,
        email=None,
        display_name="Local operator",
        operator=True,
        create_time=clock.now(),
    )
    try:
        await accounts.add(user, None)
    except EmailTaken:
        return
