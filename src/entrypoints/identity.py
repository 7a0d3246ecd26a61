"""Opens what signing in needs: hashing, the counting of attempts, caches, and the local secret."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.crypto.argon2 import Argon2PasswordHasher
from adapters.local.context_cache import InProcessContextCache
from adapters.local.rate_limiter import InProcessRateLimiter
from adapters.local.secret_file import load_or_create_secret
from adapters.postgres.account_store import PostgresAccountStore
from adapters.postgres.pool import Pool
from adapters.redis.context_cache import RedisContextCache
from adapters.redis.rate_limiter import RedisRateLimiter
from application.auth.local_operator import LocalSecret, ensure_local_operator
from application.ports.clock import Clock
from application.ports.context_cache import ContextCache
from application.ports.entropy import Entropy
from application.ports.password_hasher import PasswordHasher
from application.ports.rate_limiter import RateLimiter
from domain.tenancy.invitation import digest_of
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """`caches` of standings, nearest first."""

    hasher: PasswordHasher
    limiter: RateLimiter
    caches: Sequence[ContextCache]
    local_secret: LocalSecret


async def open_doors(
    settings: Settings, pool: Pool, clock: Clock, entropy: Entropy, stack: AsyncExitStack
) -> Doors:
    """What lets people in, until `stack` closes; the local operator is made here.

    Raises:
        SecretFileUnusable: the local secret cannot be read, or others may read it.
    """
    await ensure_local_operator(PostgresAccountStore(pool), clock)
    secret = await asyncio.to_thread(
        load_or_create_secret, settings.local_secret_file, entropy.secret()
    )
    hasher = Argon2PasswordHasher()
    stack.push_async_callback(asyncio.to_thread, hasher.close)
    limiter, caches = _shared(settings, clock, stack)
    return Doors(
        hasher=hasher,
        limiter=limiter,
        caches=caches,
        local_secret=LocalSecret(digest=digest_of(secret)),
    )


def _shared(
    settings: Settings, clock: Clock, stack: AsyncExitStack
) -> tuple[RateLimiter, Sequence[ContextCache]]:
    """Of this process alone, or of all together where there is a Redis."""
    here, near = InProcessRateLimiter(clock), InProcessContextCache(clock)
    if settings.redis_url is None:
        return here, (near,)
    url = settings.redis_url.get_secret_value()
    limiter, far = RedisRateLimiter(url, fallback=here), RedisContextCache(url)
    stack.push_async_callback(limiter.close)
    stack.push_async_callback(far.close)
    return limiter, (near, far)
