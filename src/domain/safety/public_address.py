"""Which IP addresses belong to the public internet; everything else is somebody's inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Source: the IANA special-purpose address registries (RFC 6890), and multicast.
_SPECIAL_V4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # A cloud's own wire server: it has a public number and answers inside only.
        "168.63.129.16/32",
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
# Tunnels (Teredo, 6to4) lead to whatever IPv4 address is written into them.
_SPECIAL_V6 = tuple(
    ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ip_network("64:ff9b::/96")


def is_public_address(text: str) -> bool:
    """Whether `text` is an address of the public internet; False for what is no address.

    An IPv4 address inside of an IPv6 one (mapped, or behind NAT64) is judged by itself.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public_v4(IPv4Address(int(address) & 0xFFFFFFFF))
    return _is_public_v6(address)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _SPECIAL_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)
