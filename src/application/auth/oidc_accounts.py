"""Whose account it is that a provider vouches for: linked once, by a verified email alone."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from application.auth.accounts import NewAccounts, ReclaimAccount
from application.ports.account_store import AccountStore
from application.ports.clock import Clock
from application.ports.member_store import MemberStore
from application.ports.oidc_store import OidcStore
from domain.auth.account import Account, EmailInvalid, SignInRefused, User, normal_email
from domain.auth.oidc import (
    EmailNotVerified,
    LinkedToAnother,
    NotInvited,
    OidcPerson,
    OidcProvider,
)
from domain.identifiers import UserId
from domain.tenancy.invitation import InvitationNotFound
from domain.tenancy.organization import MAX_DISPLAY_NAME_CHARACTERS

_log = logging.getLogger(__name__)


class OidcAccounts:
    def __init__(
        self,
        *,
        store: OidcStore,
        accounts: AccountStore,
        members: MemberStore,
        new_account: NewAccounts,
        reclaim: ReclaimAccount,
        clock: Clock,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._members = members
        self._new_account = new_account
        self._reclaim = reclaim
        self._clock = clock
        self._settle = settle

    async def user_for(self, provider: OidcProvider, person: OidcPerson) -> User:
        """The account that the subject is linked to, or else that of its verified email.

        Somebody without an account gets one when invited, and joins where they are; or when the
        provider lets anyone join.

        Raises:
            EmailNotVerified: it is the first time, and the provider does not vouch for an email.
            NotInvited: nobody asked this person to come.
            LinkedToAnother: the email's account is another subject's of this provider.
            PasswordChanged: the account's password was changed at the same moment.
            SignInRefused: the account is disabled.
        """
        linked = await self._store.user_of(provider.issuer, person.subject)
        if linked is None:
            email = _vouched(provider, person)
            account = await self._accounts.find(email) or await self._join(provider, person, email)
            _require_open(account.user)
            linked = await self._link(provider, person.subject, account)
        found = await self._accounts.get(linked)
        if found is None:
            raise SignInRefused
        _require_open(found.user)
        return found.user

    async def _link(self, provider: OidcProvider, subject: str, account: Account) -> UserId:
        user = account.user.user_id
        issuers = await self._store.issuers_of(user)
        if not issuers:
            # Until now nobody has shown that the email is theirs: whoever was here may not be it.
            await self._reclaim(account)
        linked = None
        if provider.issuer not in issuers:
            linked = await self._store.link(provider.issuer, subject, user)
        if linked is None:
            _log.warning(
                "a second user of the provider %s has the email of the account %s",
                provider.name,
                user,
            )
            raise LinkedToAnother
        return linked

    async def _join(self, provider: OidcProvider, person: OidcPerson, email: str) -> Account:
        invitations = await self._store.open_invitations(email, self._clock.now())
        if not invitations and not provider.anyone:
            raise NotInvited
        user = await self._new_account(
            email=email, display_name=_name(person, email), password=None
        )
        for token_hash in invitations:
            # Whoever invited them may have lost the right to, or another call was first.
            with suppress(InvitationNotFound):
                await self._members.accept(token_hash, user.user_id, self._clock.now())
        await self._settle()
        return Account(user=user, password_hash=None)


def _vouched(provider: OidcProvider, person: OidcPerson) -> str:
    if person.email is None or not person.email_verified:
        raise EmailNotVerified
    try:
        email = normal_email(person.email)
    except EmailInvalid:
        raise EmailNotVerified from None
    if not provider.vouches_for(email):
        _log.info(
            "the provider %s vouches for emails that the settings do not let it", provider.name
        )
        raise EmailNotVerified
    return email


def _name(person: OidcPerson, email: str) -> str:
    """What the provider calls them, as far as it can be shown; else their email's first half."""
    shown = "".join(c for c in person.display_name if c.isprintable()).strip()
    return shown[:MAX_DISPLAY_NAME_CHARACTERS].strip() or email.partition("@")[0]


def _require_open(user: User) -> None:
    if user.disabled:
        raise SignInRefused
