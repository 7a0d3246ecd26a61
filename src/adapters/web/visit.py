"""One request to one address: resolved once, judged, and sent to the very IP that was judged."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from adapters.web.body import ACCEPTED_ENCODINGS, read_body
from adapters.web.policy import FetchPolicy
from domain.safety.web_address import AddressNotAllowed, WebAddress
from domain.safety.web_page import SiteUnavailable

_ADDRESSES_TRIED = 3
_ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.9,application/pdf;q=0.9,*/*;q=0.5"
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """A site's answer whose body was not read yet; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    stream: AsyncIterator[bytes]

    async def body(self, most_bytes: int) -> bytes:
        """Raises TooMuch, PageNotReadable, SiteUnavailable."""
        try:
            return await read_body(
                self.stream, self.headers.get("content-encoding", ""), most_bytes
            )
        except _FAILURES as error:
            raise SiteUnavailable("the site broke off its answer; try again later") from error


@asynccontextmanager
async def visit(
    address: WebAddress, policy: FetchPolicy, user_agent: str
) -> AsyncIterator[Visited]:
    """GET, without following anything. Raises AddressNotAllowed, SiteUnavailable."""
    for ip in await reachable_addresses(address, policy):
        # A transport has no cookies, no proxies and no passwords of the surroundings.
        async with httpx.AsyncHTTPTransport(verify=policy.trusted(), trust_env=False) as transport:
            try:
                answer = await transport.handle_async_request(
                    _request(address, ip, policy, user_agent)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except _FAILURES as error:
                raise SiteUnavailable(_no_answer(address)) from error
            assert isinstance(answer.stream, httpx.AsyncByteStream)
            try:
                yield Visited(
                    status=answer.status_code,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    stream=aiter(answer.stream),
                )
            finally:
                await answer.stream.aclose()
            return
    raise SiteUnavailable(_no_answer(address))


async def reachable_addresses(address: WebAddress, policy: FetchPolicy) -> list[str]:
    """The IPs to try. Raises AddressNotAllowed.

    A host inside and a host that does not exist get the same answer: names inside are nobody's
    business.
    """
    if address.port not in policy.ports:
        usual = " and ".join(str(port) for port in sorted(policy.ports))
        raise AddressNotAllowed(f"pages are fetched from the ports {usual} only")
    try:
        found = await policy.resolve(address.host, address.port)
    except (OSError, UnicodeError):
        found = ()
    if not found or not all(policy.is_reachable(ip) for ip in found):
        raise AddressNotAllowed(f"{address.host} has no public address; check its spelling")
    return list(found[:_ADDRESSES_TRIED])


def _request(address: WebAddress, ip: str, policy: FetchPolicy, user_agent: str) -> httpx.Request:
    waits = dict.fromkeys(("read", "write", "pool"), policy.silence_seconds)
    return httpx.Request(
        "GET",
        httpx.URL(
            scheme=address.scheme, host=ip, port=address.port, raw_path=address.target.encode()
        ),
        headers={
            "Host": address.authority,
            "User-Agent": user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": ACCEPTED_ENCODINGS,
            "Connection": "close",
        },
        # The certificate has to be the host's, though the connection goes to a number.
        extensions={
            "timeout": waits | {"connect": policy.connect_seconds},
            "sni_hostname": address.host,
        },
    )


def _no_answer(address: WebAddress) -> str:
    return f"{address.host} does not answer; try again later"
