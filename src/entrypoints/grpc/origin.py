"""Where a call comes from: its peer, or whom the REST door of this process speaks for."""

from collections.abc import Mapping, Set
from urllib.parse import unquote

from entrypoints.relay import ADDRESS, AGENT, PROOF, Origin, Relay, plain_address, plain_agent

_RELAYED = frozenset({ADDRESS, AGENT, PROOF})
UNIX = "unix"


def origin_of(peer: str, headers: Mapping[str, str], repeated: Set[str], relay: Relay) -> Origin:
    """The headers of the relay are believed with its proof alone; without it they do not exist.

    `peer` is in gRPC's spelling; `repeated` names the headers that came more than once.
    """
    if not _RELAYED & repeated and relay.proves(headers.get(PROOF, "")):
        return Origin(address=headers.get(ADDRESS, ""), user_agent=headers.get(AGENT, ""))
    return Origin(
        address=address_of_peer(peer),
        user_agent=plain_agent(headers.get("user-agent", "")),
    )


def address_of_peer(peer: str) -> str:
    """The address in gRPC's own spelling: ipv4:1.2.3.4:5, ipv6:%5B::1%5D:5, unix:/path."""
    scheme, _, rest = unquote(peer).partition(":")
    if scheme.startswith("unix"):
        return UNIX
    return plain_address(rest) if scheme in ("ipv4", "ipv6") else ""
