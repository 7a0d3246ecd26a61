"""Who really calls the REST door: its peer, or whom the proxies that are trusted speak for."""

from starlette.types import Scope

from entrypoints.relay import Origin, plain_address, plain_agent

_FORWARDED_FOR, _USER_AGENT = b"x-forwarded-for", b"user-agent"
UNIX = "unix"


def origin_of(scope: Scope, trusted_proxies: int) -> Origin:
    """`trusted_proxies` is how many of our own stand before this door; each adds one address.

    What stands left of theirs in X-Forwarded-For is the caller's own word, and is not believed.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    said = [value.decode("latin-1") for name, value in headers if name == _FORWARDED_FOR]
    hops = [hop for line in said for hop in line.split(",")] if trusted_proxies else []
    client = scope.get("client")
    peer = plain_address(client[0]) if client and client[0] else ""
    agents = [value.decode("latin-1") for name, value in headers if name == _USER_AGENT]
    return Origin(
        address=_nearest(hops[-trusted_proxies:] if hops else []) or peer or UNIX,
        user_agent=plain_agent(agents[0] if agents else ""),
    )


def _nearest(hops: list[str]) -> str:
    """The farthest address that an unbroken chain of trusted proxies vouches for."""
    address = ""
    for hop in reversed(hops):
        plain = plain_address(hop)
        if not plain:
            break
        address = plain
    return address
