"""Requests to one provider: to its own addresses, small, in time, and never redirected."""

import asyncio
import functools
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

_MOST_BYTES = 256 * 1024
_TIMEOUT = httpx.Timeout(5.0)
_WHOLE_SECONDS = 8.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Json = dict[str, object]


class FetchFailed(Exception):
    """Why, for the log. Never leaves this folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: Json


def origin(url: str) -> str:
    """scheme://host:port of an address that may be asked: https, or http on this machine.

    Raises:
        FetchFailed: it is neither, or holds a password or a fragment.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise FetchFailed(f"{url!r:.200} is no address") from error
    secure = parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in _LOOPBACK)
    if not secure or not parsed.host or parsed.userinfo or parsed.fragment:
        raise FetchFailed(f"{url!r:.200} is no https address")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return f"{parsed.scheme}://{parsed.host}:{port}"


class Fetcher:
    """Asks the origins it was made for, and nobody else, whatever a document says."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins
        # No proxy and no password from the surroundings: what goes out are client secrets.
        self._client = httpx.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=_TIMEOUT, verify=_trusted()
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def get(self, url: str) -> Json:
        """A JSON object. Raises FetchFailed, also for any status but 200."""
        answer = await self._ask(self._client.build_request("GET", self._allowed(url)))
        if answer.status != httpx.codes.OK:
            raise FetchFailed(f"{url} answers with status {answer.status}")
        return answer.body

    async def post(
        self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None
    ) -> Answer:
        """Send a form, and read what comes: JSON, of any status. Raises FetchFailed."""
        request = self._client.build_request("POST", self._allowed(url), data=dict(form))
        if basic is not None:
            request = next(httpx.BasicAuth(*basic).auth_flow(request))
        return await self._ask(request)

    def _allowed(self, url: str) -> str:
        if origin(url) not in self._origins:
            raise FetchFailed(
                f"{url} lies outside of the provider's own addresses; "
                "if it is meant, add its host to the provider's 'hosts' in the settings"
            )
        return url

    async def _ask(self, request: httpx.Request) -> Answer:
        request.headers["accept"] = "application/json"
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                response = await self._client.send(request, stream=True)
                try:
                    raw = await _body(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise FetchFailed(f"{request.url} does not answer: {error!r}") from error
        return Answer(status=response.status_code, body=_object(raw, str(request.url)))


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The public authorities; read once, for it takes a tenth of a second."""
    return httpx.create_ssl_context(trust_env=False)


async def _body(response: httpx.Response) -> bytes:
    raw = b""
    async for piece in response.aiter_bytes():
        raw += piece
        if len(raw) > _MOST_BYTES:
            raise FetchFailed(f"{response.url} answers with more than {_MOST_BYTES} bytes")
    return raw


def _object(raw: bytes, url: str) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FetchFailed(f"{url} does not answer with JSON") from error
    if not isinstance(body, dict):
        raise FetchFailed(f"{url} does not answer with a JSON object")
    return body
