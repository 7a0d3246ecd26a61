"""How the REST door tells the gRPC server behind it who really calls, and is believed.

Both live in one process: the proof is made there at start and never leaves it, so that no caller
from outside can speak for another address.
"""

from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from secrets import token_hex

ADDRESS = "x-obelisk-client-address"
AGENT = "x-obelisk-client-agent"
PROOF = "x-obelisk-relay-proof"
MAX_AGENT_CHARACTERS = 200


class Relay:
    """Made once a process, for both sides of its loopback channel."""

    def __init__(self) -> None:
        self._proof = token_hex(32)

    def metadata(self, origin: "Origin") -> tuple[tuple[str, str], ...]:
        """What goes with a call that is made for `origin`."""
        return (PROOF, self._proof), (ADDRESS, origin.address), (AGENT, origin.user_agent)

    def proves(self, proof: str) -> bool:
        """Whether a call comes from this process's own door; in the same time either way."""
        return compare_digest(proof.encode(), self._proof.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`address` is an IP address, "unix" for a socket of this machine, or empty when unknown."""

    address: str
    user_agent: str


def plain_address(text: str) -> str:
    """The IP address in `text`, without brackets, port or zone; empty when there is none.

    IPv4 in IPv6 reads as the IPv4 address that it is.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def plain_agent(text: str) -> str:
    """What a client calls itself: at most 200 characters of printable ASCII."""
    printable = (character for character in text if " " <= character <= "~")
    return "".join(printable)[:MAX_AGENT_CHARACTERS].strip()
