"""What is counted when somebody tries to prove who they are, and how much of it is too much.

Three counts keep guessing slow without handing anybody a way to lock a victim out for good: one for
each email from each network, one for each network over all emails, and one for each email from all
networks that the account was not used from lately. Only failures stay counted.
"""

import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from application.ports.rate_limiter import RateLimiter
from domain.auth.rate import Rate, TooManyAttempts

_QUARTER = 15 * 60.0
OF_ONE_FROM_HERE = Rate(limit=10, seconds=_QUARTER)
OF_ALL_FROM_HERE = Rate(limit=60, seconds=_QUARTER)
OF_ONE_FROM_STRANGERS = Rate(limit=100, seconds=24 * 3600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    key: str
    rate: Rate


class Attempts:
    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def begin(self, *attempts: Attempt) -> None:
        """Count all of them, or none. Raises TooManyAttempts."""
        for number, attempt in enumerate(attempts):
            wait = await self._limiter.take(attempt.key, attempt.rate)
            if wait > 0:
                await self.forgive(*attempts[:number])
                raise TooManyAttempts(wait)

    async def forgive(self, *attempts: Attempt) -> None:
        """They turned out well, or were none: they count no more."""
        for attempt in attempts:
            await self._limiter.give_back(attempt.key, attempt.rate)


def from_here(what: str, name: str, address: str) -> tuple[Attempt, ...]:
    """An attempt at one name, and at any name, from the network of an address.

    The network comes first: once it is refused, names that are made up leave nothing behind. An
    address that nobody knows counts for the one name alone, or it would stand for everybody.
    """
    network = network_of(address)
    one = Attempt(key=key_of(what, name, network), rate=OF_ONE_FROM_HERE)
    if not network:
        return (one,)
    return (Attempt(key=key_of(what, network), rate=OF_ALL_FROM_HERE), one)


def from_strangers(email: str) -> Attempt:
    """An attempt at an account from a network that it was not used from."""
    return Attempt(key=key_of("stranger", email), rate=OF_ONE_FROM_STRANGERS)


def network_of(address: str) -> str:
    """Who one address may stand for: itself, or its /64, which one household has whole."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def key_of(*parts: str) -> str:
    """A digest: whoever reads the counts learns no email and no address by reading."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]
