"""AcceptInvitation: join an organization, with the account that there is or a new one."""

from collections.abc import Awaitable, Callable

from application.auth.accounts import NewAccounts
from application.auth.attempts import Attempts, from_here
from application.auth.sessions import Sessions
from application.auth.sign_in import CheckPassword
from application.context import Caller
from application.ports.account_store import AccountStore
from application.ports.clock import Clock
from application.ports.member_store import MemberStore
from domain.auth.account import Account, EmailTaken, InvitationRefused, SignInRefused, User
from domain.auth.password import fit_password
from domain.auth.session import TokenSet
from domain.tenancy.invitation import digest_of
from domain.tenancy.organization import checked_display_name


class AcceptInvitation:
    def __init__(
        self,
        *,
        members: MemberStore,
        accounts: AccountStore,
        new_account: NewAccounts,
        check: CheckPassword,
        sessions: Sessions,
        attempts: Attempts,
        clock: Clock,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._members = members
        self._accounts = accounts
        self._new_account = new_account
        self._check = check
        self._sessions = sessions
        self._attempts = attempts
        self._clock = clock
        self._settle = settle

    async def __call__(
        self, *, invitation_token: str, password: str, display_name: str, caller: Caller
    ) -> TokenSet:
        """The token binds to the organization joined. Who has an account needs no display name.

        What is given is judged before anybody looks for an account, and then its password, in the
        same time without one: no refusal tells whether there is an account. Only joining does.

        Raises:
            InvitationNotFound: not open, or more than its inviter could give today.
            PasswordUnfit, InvalidInput: nobody's password or name can be this one.
            InvitationRefused: there is an account and the password is not its, or it has none; or
                there is no account, and no display name for one.
            TooManyAttempts: too many have failed from this network.
        """
        digest = digest_of(invitation_token)
        tried = from_here("invitation", digest.hex(), caller.address)
        await self._attempts.begin(*tried)
        invitation = await self._members.invitation(digest, self._clock.now())
        await self._attempts.forgive(*tried)
        email = invitation.email
        fit_password(password, email)
        name = checked_display_name(display_name) if display_name.strip() else None
        account = await self._account(email, password, caller)
        user = account.user if account else await self._made(email, password, name, caller)
        await self._members.accept(digest, user.user_id, self._clock.now())
        await self._settle()
        tokens = await self._sessions.open(
            user=user.user_id,
            organization=invitation.organization_id,
            caller=caller,
            operator=user.operator,
        )
        if account and not await self._check.still(account, password):
            await self._sessions.withdraw(tokens)
            raise SignInRefused
        return tokens

    async def _account(self, email: str, password: str, caller: Caller) -> Account | None:
        """The account whose password this is; None when there is none, at the same price."""
        try:
            return await self._check(email, password, caller)
        except SignInRefused:
            if await self._accounts.find(email) is None:
                return None
            raise InvitationRefused from None

    async def _made(self, email: str, password: str, name: str | None, caller: Caller) -> User:
        if name is None:
            raise InvitationRefused
        try:
            user = await self._new_account(email=email, display_name=name, password=password)
        except EmailTaken:
            raise InvitationRefused from None
        await self._check.newcomer(email, caller)
        return user
