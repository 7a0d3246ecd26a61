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
from domain.auth.account import Account, AccountHasNoPassword, SignInRefused
from domain.auth.session import TokenSet
from domain.tenancy.invitation import digest_of


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
        """The token binds to the organization joined.

        Raises:
            InvitationNotFound: not open, or more than its inviter could give today.
            SignInRefused: there is an account, and the password is not its.
            AccountHasNoPassword: there is an account that only a provider can vouch for.
            PasswordUnfit, InvalidInput: what is given for a new account will not do.
            TooManyAttempts: too many have failed from this network.
        """
        digest = digest_of(invitation_token)
        tried = from_here("invitation", digest.hex(), caller.address)
        await self._attempts.begin(*tried)
        invitation = await self._members.invitation(digest, self._clock.now())
        await self._attempts.forgive(*tried)
        account = await self._account(invitation.email, password, caller)
        user = (
            account.user
            if account
            else await self._new_account(
                email=invitation.email, display_name=display_name, password=password
            )
        )
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
        account = await self._accounts.find(email)
        if account is None:
            return None
        if account.password_hash is None:
            raise AccountHasNoPassword
        return await self._check(email, password, caller)
