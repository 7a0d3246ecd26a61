"""Addresses of the web in one spelling, and which of their hosts a space may fetch from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from domain.errors import InvalidInput

MAX_ADDRESS_CHARACTERS = 2048
ANY_HOST = "*"
_PORTS = {"http": 80, "https": 443}
_NO_ADDRESS_HAS = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_AS_IT_IS = "/%:@!$&'()*+,;=~?"


class AddressNotAllowed(InvalidInput):
    """The address is none of the web's, or not one that this space may fetch from."""

    reason = "ADDRESS_NOT_ALLOWED"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="url")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAddress:
    """An http or https address without a fragment; two spellings of one address are equal.

    `host` is lower case ASCII, or an IPv6 address without brackets; `target` is path and query as
    they are sent, escaped, without dot segments.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.target

    def joined(self, reference: str) -> "WebAddress":
        """Where a link or a redirect on this page leads. Raises AddressNotAllowed."""
        if _NO_ADDRESS_HAS.search(reference.strip()):
            raise AddressNotAllowed("the address leads on to what is no address of the web")
        try:
            return web_address(urljoin(str(self), reference.strip()))
        except ValueError as error:
            raise AddressNotAllowed(_NO_ADDRESS) from error


def web_address(text: str) -> WebAddress:
    """Parse what a person gave. Raises AddressNotAllowed, saying what would be right."""
    text = text.strip()
    if len(text) > MAX_ADDRESS_CHARACTERS:
        raise AddressNotAllowed(f"an address may have at most {MAX_ADDRESS_CHARACTERS} characters")
    if _NO_ADDRESS_HAS.search(text):
        raise AddressNotAllowed("an address holds no spaces, backslashes or control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise AddressNotAllowed(_NO_ADDRESS) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressNotAllowed(_NO_ADDRESS)
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise AddressNotAllowed(_NO_ADDRESS)
    if "@" in parts.netloc:
        raise AddressNotAllowed("an address holds no user name and no password")
    return WebAddress(
        scheme=parts.scheme,
        host=_host(parts.hostname),
        port=port if port is not None else _PORTS[parts.scheme],
        target=_target(parts),
    )


def checked_host_rule(text: str) -> str:
    """A line of a space's allow-list, in lower case: a host, '*.' and a host, or '*' for any.

    Raises InvalidInput.
    """
    rule = text.strip().lower()
    if rule == ANY_HOST:
        return rule
    prefix = "*." if rule.startswith("*.") else ""
    try:
        return prefix + _host(rule.removeprefix("*."))
    except AddressNotAllowed as error:
        raise InvalidInput(
            f"{text!r:.100} is no host; say 'example.com', '*.example.com' for what lies below it, "
            "or '*' for every public host",
            field="web_hosts",
        ) from error


def check_host(host: str, rules: Iterable[str]) -> None:
    """Raise AddressNotAllowed unless one of a space's `rules` names `host`."""
    for rule in rules:
        if rule in (ANY_HOST, host) or (rule.startswith("*.") and host.endswith(rule[1:])):
            return
    raise AddressNotAllowed(
        f"this space does not fetch from {host}; "
        "an administrator can add it to web_hosts in the space's settings"
    )


def _host(text: str) -> str:
    if ":" in text:
        try:
            return str(IPv6Address(text))
        except ValueError as error:
            raise AddressNotAllowed(_NO_ADDRESS) from error
    try:
        host = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError as error:
        raise AddressNotAllowed(_NO_ADDRESS) from error
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise AddressNotAllowed(_NO_ADDRESS)
    return host


def normal_escapes(text: str) -> str:
    """Path or query with exactly those characters escaped that have to be, in capitals."""
    return _ESCAPED.sub(_without_need, quote(text, safe=_AS_IT_IS))


def _target(parts: SplitResult) -> str:
    path = urlsplit(urljoin("http://host/", normal_escapes(parts.path or "/"))).path or "/"
    query = normal_escapes(parts.query)
    return f"{path}?{query}" if query else path


def _without_need(escaped: re.Match[str]) -> str:
    """`%2e` is a dot: written so, it would slip past whoever looks for one."""
    character = chr(int(escaped[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escaped[0].upper()


_NO_ADDRESS = "give the address of a web page, such as 'https://example.com/products'"
