"""What the fetcher may reach and how much it takes: the defaults are for the public internet."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from domain.safety.public_address import is_public_address
from domain.safety.web_page import MAX_PAGE_BYTES

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host in the system's order of preference. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@functools.cache
def public_authorities() -> ssl.SSLContext:
    """Read once, for it takes a tenth of a second."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """`is_reachable` judges every address that `resolve` gives: one that fails it fails the host.

    `whole_seconds` bounds a page with its redirects and its robots.txt; `silence_seconds` each
    wait for the next bytes; `robots_seconds` is how long a robots.txt is believed.
    """

    resolve: Resolve = system_addresses
    is_reachable: Callable[[str], bool] = is_public_address
    trusted: Callable[[], ssl.SSLContext] = public_authorities
    ports: frozenset[int] = frozenset({80, 443})
    most_bytes: int = MAX_PAGE_BYTES
    redirects: int = 5
    whole_seconds: float = 20.0
    connect_seconds: float = 4.0
    silence_seconds: float = 8.0
    robots_seconds: float = 3600.0
    robots_kept: int = 4096
    at_once: int = 16
