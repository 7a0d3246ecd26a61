"""SignIn: email and password against an access token."""

from contextlib import suppress

from application.auth.attempts import Attempt, Attempts, from_here, from_strangers, network_of
from application.auth.sessions import Sessions
from application.context import Caller
from application.ports.account_store import AccountStore
from application.ports.password_hasher import PasswordHasher
from domain.auth.account import Account, SignInRefused, normal_email
from domain.auth.password import HashingBusy, prepared
from domain.auth.session import TokenSet
from domain.identifiers import OrganizationId


class CheckPassword:
    """Whether a password is an account's: in the same time whether there is an account or not."""

    def __init__(
        self, *, accounts: AccountStore, hasher: PasswordHasher, attempts: Attempts
    ) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._attempts = attempts

    async def __call__(self, email: str, password: str, caller: Caller) -> Account:
        """The account that both belong to; a hash of yesterday's parameters is renewed.

        Raises:
            TooManyAttempts: too many have failed; nothing was checked.
            SignInRefused: no such account, another password, or it is disabled.
            HashingBusy: too many people sign in at this moment.
        """
        given = prepared(password)
        tried = from_here("sign-in", email, caller.address)
        await self._attempts.begin(*tried)
        account = await self._accounts.find(email)
        if not _at_home(account, caller.address):
            tried = await self._also(from_strangers(email), tried)
        try:
            right = await self._hasher.verify(given, account.password_hash if account else None)
        except HashingBusy:
            await self._attempts.forgive(*tried)
            raise
        if account is None or not right or account.user.disabled:
            raise SignInRefused
        await self._attempts.forgive(*tried)
        await self._renew(account, given)
        return account

    async def newcomer(self, email: str, caller: Caller) -> None:
        """Count no failure that was only the lack of an account which is made now."""
        await self._attempts.forgive(
            *from_here("sign-in", email, caller.address), from_strangers(email)
        )

    async def still(self, account: Account, password: str) -> bool:
        """Whether the password that was right is so even now.

        Asked once a session is open: whoever changes a password ends the sessions there are, and
        one that opens by the old password just after that must not stay.
        """
        found = await self._accounts.get(account.user.user_id)
        if found is None or found.password_hash is None:
            return False
        if found.password_hash == account.password_hash:
            return True
        return await self._hasher.verify(prepared(password), found.password_hash)

    async def _also(self, more: Attempt, tried: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        try:
            await self._attempts.begin(more)
        except Exception:
            await self._attempts.forgive(*tried)
            raise
        return (*tried, more)

    async def _renew(self, account: Account, password: str) -> None:
        kept = account.password_hash
        if kept is None or not self._hasher.outdated(kept):
            return
        with suppress(HashingBusy):  # the next sign-in finds it as old
            fresh = await self._hasher.hash(password)
            await self._accounts.set_password(account.user.user_id, fresh, instead_of=kept)


class SignIn:
    def __init__(self, *, check: CheckPassword, sessions: Sessions) -> None:
        self._check = check
        self._sessions = sessions

    async def __call__(
        self, *, email: str, password: str, organization_id: OrganizationId | None, caller: Caller
    ) -> TokenSet:
        """Raises what CheckPassword does, EmailInvalid, PasswordUnfit (too long), and
        OrganizationNotFound when the user is no member of `organization_id`."""
        account = await self._check(normal_email(email), password, caller)
        tokens = await self._sessions.open(
            user=account.user.user_id,
            organization=organization_id,
            caller=caller,
            operator=account.user.operator,
        )
        if not await self._check.still(account, password):
            await self._sessions.withdraw(tokens)
            raise SignInRefused
        return tokens


def _at_home(account: Account | None, address: str) -> bool:
    network = network_of(address)
    known = {network_of(one) for one in account.addresses} if account else set()
    return bool(network) and network in known
