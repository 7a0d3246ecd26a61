"""Where a call comes from: its peer, or whom the REST door of this process speaks for."""

from urllib.parse import unquote

from entrypoints.grpc.interceptors.chain import Call
from entrypoints.relay import ADDRESS, AGENT, PROOF, Origin, Relay, plain_address, plain_agent

_RELAYED = frozenset({ADDRESS, AGENT, PROOF})
UNIX = "unix"


def origin_of(call: Call, relay: Relay) -> Origin:
    """The headers of the relay are believed with its proof alone; without it they do not exist."""
    headers = call.headers
    if not _RELAYED & call.repeated and relay.proves(headers.get(PROOF, "")):
        return Origin(address=headers.get(ADDRESS, ""), user_agent=headers.get(AGENT, ""))
    return Origin(
        address=address_of_peer(call.context.peer()),
        user_agent=plain_agent(headers.get("user-agent", "")),
    )


def address_of_peer(peer: str) -> str:
    """The address in gRPC's own spelling: ipv4:1.2.3.4:5, ipv6:%5B::1%5D:5, unix:/path."""
    scheme, _, rest = unquote(peer).partition(":")
    if scheme.startswith("unix"):
        return UNIX
    return plain_address(rest) if scheme in ("ipv4", "ipv6") else ""
