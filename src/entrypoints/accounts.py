"""How people and services are let in: what must be opened for it, and the use cases on top."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.crypto.argon2 import Argon2PasswordHasher
from adapters.local.rate_limiter import InProcessRateLimiter
from adapters.local.secret_file import load_or_create_secret
from adapters.oidc.client import HttpOidcClient
from adapters.oidc.provider import ProviderAccess
from adapters.postgres.account_store import PostgresAccountStore
from adapters.postgres.client_store import PostgresClientStore
from adapters.postgres.member_store import PostgresMemberStore
from adapters.postgres.oidc_store import PostgresOidcStore
from adapters.postgres.pool import Pool
from adapters.redis.rate_limiter import RedisRateLimiter
from application.auth.accept_invitation import AcceptInvitation
from application.auth.accounts import ChangePassword, CurrentUser, NewAccounts, ReclaimAccount
from application.auth.attempts import Attempts
from application.auth.authority import AuthorityWatch
from application.auth.client_credentials import ExchangeClientCredentials
from application.auth.local_operator import LocalSecret, ensure_local_operator
from application.auth.oidc import FinishOidc, OidcProviders, StartOidc
from application.auth.oidc_accounts import OidcAccounts
from application.auth.sessions import Sessions
from application.auth.sign_in import CheckPassword, SignIn
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.oidc_client import OidcClient
from application.ports.password_hasher import PasswordHasher
from application.ports.rate_limiter import RateLimiter
from application.ports.sealer import Sealer
from domain.auth.oidc import OidcProvider
from domain.tenancy.invitation import digest_of
from entrypoints.oidc_settings import OidcProviderSettings
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountParts:
    """What has to be opened and closed. `local` is None where no local operator is wanted."""

    hasher: PasswordHasher
    limiter: RateLimiter
    providers: tuple[OidcProvider, ...]
    oidc: OidcClient
    local: LocalSecret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The use cases behind AuthService, sessions and keys aside."""

    sign_in: SignIn
    exchange_client_credentials: ExchangeClientCredentials
    accept_invitation: AcceptInvitation
    change_password: ChangePassword
    current_user: CurrentUser
    oidc_providers: OidcProviders
    start_oidc: StartOidc
    finish_oidc: FinishOidc


async def open_account_parts(
    settings: Settings, pool: Pool, clock: Clock, entropy: Entropy, stack: AsyncExitStack
) -> AccountParts:
    """Open them until `stack` closes; the local operator's account and secret are made here.

    Raises:
        SecretFileUnusable: the file of the local operator's secret cannot be used.
    """
    hasher = Argon2PasswordHasher()
    stack.push_async_callback(asyncio.to_thread, hasher.close)
    local = None
    if settings.local_operator:
        await ensure_local_operator(PostgresAccountStore(pool), clock)
        secret = await asyncio.to_thread(
            load_or_create_secret, settings.local_secret_file, entropy.secret()
        )
        local = LocalSecret(digest=digest_of(secret))
    oidc = HttpOidcClient([_access(one) for one in settings.oidc_providers], clock)
    stack.push_async_callback(oidc.close)
    return AccountParts(
        hasher=hasher,
        limiter=_limiter(settings, clock, stack),
        providers=tuple(_provider(one) for one in settings.oidc_providers),
        oidc=oidc,
        local=local,
    )


def build_accounts(
    *,
    parts: AccountParts,
    pool: Pool,
    sessions: Sessions,
    authority: AuthorityWatch,
    sealer: Sealer,
    clock: Clock,
    entropy: Entropy,
) -> Accounts:
    """The use cases, wired."""
    accounts, clients = PostgresAccountStore(pool), PostgresClientStore(pool)
    attempts = Attempts(parts.limiter)
    check = CheckPassword(accounts=accounts, hasher=parts.hasher, attempts=attempts)
    members, oidc_store = PostgresMemberStore(pool), PostgresOidcStore(pool)
    providers = OidcProviders(parts.providers)
    new_account = NewAccounts(accounts=accounts, hasher=parts.hasher, clock=clock, entropy=entropy)
    return Accounts(
        sign_in=SignIn(check=check, sessions=sessions),
        exchange_client_credentials=ExchangeClientCredentials(
            clients=clients, sessions=sessions, attempts=attempts, local=parts.local
        ),
        accept_invitation=AcceptInvitation(
            members=members,
            accounts=accounts,
            new_account=new_account,
            check=check,
            sessions=sessions,
            attempts=attempts,
            clock=clock,
            settle=authority.settle,
        ),
        change_password=ChangePassword(
            accounts=accounts, hasher=parts.hasher, sessions=sessions, attempts=attempts
        ),
        current_user=CurrentUser(accounts=accounts, clients=clients),
        oidc_providers=providers,
        start_oidc=StartOidc(
            providers=providers,
            client=parts.oidc,
            store=oidc_store,
            sealer=sealer,
            attempts=attempts,
            clock=clock,
            entropy=entropy,
        ),
        finish_oidc=FinishOidc(
            providers=providers,
            client=parts.oidc,
            store=oidc_store,
            sealer=sealer,
            accounts=OidcAccounts(
                store=oidc_store,
                accounts=accounts,
                members=members,
                new_account=new_account,
                reclaim=ReclaimAccount(
                    accounts=accounts,
                    hasher=parts.hasher,
                    sessions=sessions,
                    entropy=entropy,
                ),
                clock=clock,
                settle=authority.settle,
            ),
            sessions=sessions,
            clock=clock,
        ),
    )


def _limiter(settings: Settings, clock: Clock, stack: AsyncExitStack) -> RateLimiter:
    here = InProcessRateLimiter(clock)
    if settings.redis_url is None:
        return here
    shared = RedisRateLimiter(settings.redis_url.get_secret_value(), fallback=here)
    stack.push_async_callback(shared.close)
    return shared


def _access(given: OidcProviderSettings) -> ProviderAccess:
    return ProviderAccess(
        name=given.name,
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=given.client_secret.get_secret_value(),
        scopes=tuple(given.scopes),
        hosts=tuple(given.hosts),
    )


def _provider(given: OidcProviderSettings) -> OidcProvider:
    return OidcProvider(
        name=given.name,
        issuer=given.issuer,
        redirect_uris=tuple(given.redirect_uris),
        email_domains=frozenset(given.email_domains),
        anyone=given.anyone,
    )
