"""Accounts: who the caller is, another password, and people whom an operator adds."""

from application.auth.attempts import OF_ONE_FROM_HERE, Attempt, Attempts, key_of
from application.auth.sessions import Sessions
from application.context import RequestContext
from application.ports.account_store import AccountStore
from application.ports.client_store import ClientStore
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.password_hasher import PasswordHasher
from domain.auth.account import Account, User, UserNotFound, normal_email
from domain.auth.password import (
    PasswordChanged,
    PasswordNotPossible,
    PasswordWrong,
    SignInTooOld,
    fit_password,
    prepared,
)
from domain.identifiers import UserId
from domain.tenancy.organization import checked_display_name


class CurrentUser:
    def __init__(self, *, accounts: AccountStore, clients: ClientStore) -> None:
        self._accounts = accounts
        self._clients = clients

    async def __call__(self, context: RequestContext) -> User:
        """The person, or the service as one without an email. Raises UserNotFound."""
        account = await self._accounts.get(context.user_id)
        if account is not None:
            return account.user
        known = await self._clients.client_by_id(context.user_id)
        if known is None:
            raise UserNotFound
        return User(
            user_id=context.user_id,
            email=None,
            display_name=known.client.display_name,
            disabled=known.client.revoked,
            create_time=known.client.create_time,
        )


class ChangePassword:
    def __init__(
        self,
        *,
        accounts: AccountStore,
        hasher: PasswordHasher,
        sessions: Sessions,
        attempts: Attempts,
    ) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._sessions = sessions
        self._attempts = attempts

    async def __call__(
        self, context: RequestContext, *, current_password: str, new_password: str
    ) -> None:
        """Every other session of the caller ends.

        Raises:
            PasswordNotPossible: a service, or the local operator: nobody with an email.
            PasswordWrong: `current_password` is another one; it is empty when there is none yet.
            SignInTooOld: there is none yet, and the session was not opened just now.
            PasswordUnfit: the new one is no good.
            PasswordChanged: somebody else changed it at the same moment.
        """
        account = await self._accounts.get(context.user_id)
        if account is None or account.user.email is None:
            raise PasswordNotPossible
        fit = fit_password(new_password, account.user.email, "new_password")
        await self._prove(context, current_password, account.password_hash)
        fresh = await self._hasher.hash(fit)
        kept = account.password_hash
        if not await self._accounts.set_password(context.user_id, fresh, instead_of=kept):
            raise PasswordChanged
        await self._sessions.end_all(context.user_id, except_session=context.claims.session_id)

    async def _prove(self, context: RequestContext, password: str, kept: str | None) -> None:
        """A token may have been stolen: only the password in force makes way for another, and
        only somebody who has just come in sets a first one."""
        if kept is None and not password:
            if not await self._sessions.opened_just_now(context):
                raise SignInTooOld
            return
        given = prepared(password, "current_password")
        key = key_of("change-password", str(context.user_id))
        tried = Attempt(key=key, rate=OF_ONE_FROM_HERE)
        await self._attempts.begin(tried)
        if not await self._hasher.verify(given, kept):
            raise PasswordWrong
        await self._attempts.forgive(tried)


class ReclaimAccount:
    """Gives an account to the person whose email it has, once somebody vouches for that.

    An account that came by an invitation proves no email: whoever made it may have invited a
    stranger, kept the token, and now waits inside for the stranger to come.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        hasher: PasswordHasher,
        sessions: Sessions,
        entropy: Entropy,
    ) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._sessions = sessions
        self._entropy = entropy

    async def __call__(self, account: Account) -> None:
        """The password there was lets nobody in, and every session ends; then there is none.

        Raises PasswordChanged when somebody else changed it at the same moment.
        """
        user, kept = account.user.user_id, account.password_hash
        if kept is None:
            return
        # Nobody's password first: where there is none, a session that still counts may set one.
        nobodys = await self._hasher.hash(self._entropy.secret())
        await self._replace(user, nobodys, kept)
        await self._sessions.end_all(user)
        await self._replace(user, None, nobodys)

    async def _replace(self, user: UserId, password_hash: str | None, kept: str) -> None:
        if not await self._accounts.set_password(user, password_hash, instead_of=kept):
            raise PasswordChanged


class NewAccounts:
    """Makes accounts; whoever calls has judged whether there may be one."""

    def __init__(
        self, *, accounts: AccountStore, hasher: PasswordHasher, clock: Clock, entropy: Entropy
    ) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._clock = clock
        self._entropy = entropy

    async def __call__(
        self,
        *,
        email: str,
        display_name: str,
        password: str | None,
        operator: bool = False,
    ) -> User:
        """A new account; without a password, only a provider lets its owner in.

        Raises EmailInvalid, EmailTaken, PasswordUnfit, and InvalidInput for a bad display name.
        """
        normal = normal_email(email)
        user = User(
            user_id=UserId(self._entropy.uuid()),
            email=normal,
            display_name=checked_display_name(display_name),
            operator=operator,
            create_time=self._clock.now(),
        )
        kept = None
        if password is not None:
            kept = await self._hasher.hash(fit_password(password, normal))
        await self._accounts.add(user, kept)
        return user
