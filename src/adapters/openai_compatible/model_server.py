"""One HTTP server that speaks the OpenAI dialect: where it is, its key, and how patient we are."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from adapters.openai_compatible.errors import ServerRefused, ServerSilent

_WORTH_ANOTHER_TRY = frozenset({429, 502, 503})
_BACKOFF_SECONDS = 0.25
# As long as a prepared conversation waits for its question.
_IDLE_CONNECTION_SECONDS = 120.0
_MOST_OF_A_REFUSAL = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds. `first_byte` runs from the (last) try to the first event, `idle` between two.

    `longest_retry_wait` is the longest Retry-After that is waited for.
    """

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 30.0
    longest_retry_wait: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`waited`: seconds from the try that brought it to its first header."""

    response: httpx.Response
    waited: float


class ModelServer:
    """Posts JSON, and tries once more when the server was busy or away and nothing had come yet."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        deadlines: Deadlines | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """`base_url` with the version, such as `http://localhost:11434/v1`; without a path, `/v1`.

        Raises:
            ValueError: not an http(s) address, or one that holds a password.
        """
        self.base_url = _normal(base_url)
        self.deadlines = deadlines or Deadlines()
        self._api_key = api_key
        # Neither proxies nor passwords from the surroundings; a client of one's own may have them.
        limits = httpx.Limits(keepalive_expiry=_IDLE_CONNECTION_SECONDS)
        self._client = client or httpx.AsyncClient(trust_env=False, limits=limits)

    async def close(self) -> None:
        """Close every connection; requests that run fail."""
        await self._client.aclose()

    @property
    def closed(self) -> bool:
        return self._client.is_closed

    async def reached(self) -> bool:
        """Whether the server answers at all; the connection stays open for the next request."""
        try:
            await self._client.get(
                f"{self.base_url}/models", headers=self._headers(), timeout=self.deadlines.connect
            )
        except (httpx.HTTPError, RuntimeError):
            return False
        return True

    @asynccontextmanager
    async def post(self, path: str, body: Mapping[str, object]) -> AsyncIterator[Answer]:
        """The server's good answer, its body unread. Leaving closes the connection, if unread.

        Raises:
            ServerRefused: the status is not a success; after a second try where that may help.
            ServerSilent: no connection, or no answer in time.
        """
        answer = await self._first_good_answer(path, json.dumps(body).encode())
        try:
            yield answer
        finally:
            await answer.response.aclose()

    async def _first_good_answer(self, path: str, body: bytes) -> Answer:
        try:
            return await self._try(path, body)
        except ServerRefusedForNow as busy:
            if busy.wait > self.deadlines.longest_retry_wait:
                raise
            await asyncio.sleep(busy.wait)
        except _NotReached:
            await asyncio.sleep(_backoff())
        return await self._try(path, body)

    async def _try(self, path: str, body: bytes) -> Answer:
        began = time.monotonic()
        try:
            response = await self._send(path, body)
            return Answer(response=response, waited=time.monotonic() - began)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError) as error:
            raise _NotReached(f"{self.base_url} is not reached") from error
        except httpx.ReadError as error:
            raise _NotReached(f"{self.base_url} broke off") from error
        except (httpx.HTTPError, RuntimeError) as error:
            raise ServerSilent(f"{self.base_url} does not answer") from error

    async def _send(self, path: str, body: bytes) -> httpx.Response:
        request = self._client.build_request(
            "POST",
            f"{self.base_url}{path}",
            content=body,
            headers=self._headers(),
            timeout=httpx.Timeout(self.deadlines.first_byte, connect=self.deadlines.connect),
        )
        response = await self._client.send(request, stream=True)
        if response.is_success:
            return response
        try:
            refusal = await _beginning(response)
        finally:
            await response.aclose()
        if response.status_code in _WORTH_ANOTHER_TRY:
            raise ServerRefusedForNow(response.status_code, refusal, _wait(response.headers))
        raise ServerRefused(response.status_code, refusal)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, */*"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return headers


class ServerRefusedForNow(ServerRefused):
    """`wait` in seconds, as the server asks or as is usual."""

    def __init__(self, status: int, body: bytes, wait: float) -> None:
        super().__init__(status, body)
        self.wait = wait


class _NotReached(ServerSilent):
    """Nothing had come: another try cannot repeat anything."""


def _normal(base_url: str) -> str:
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"a model server's address begins with http:// or https://: {base_url!r}")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("a model server's address has no password, query or fragment in it")
    path = url.path.rstrip("/")
    return str(url.copy_with(path=path or "/v1")).rstrip("/")


async def _beginning(response: httpx.Response) -> bytes:
    kept = b""
    async for chunk in response.aiter_bytes():
        kept += chunk
        if len(kept) > _MOST_OF_A_REFUSAL:
            break
    return kept[:_MOST_OF_A_REFUSAL]


def _wait(headers: httpx.Headers) -> float:
    asked = headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        # Against the server's own clock, which need not be ours.
        until, now = (parsedate_to_datetime(text) for text in (asked, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return _backoff()


def _backoff() -> float:
    return _BACKOFF_SECONDS * random.uniform(0.8, 1.6)  # noqa: S311  # spreads load, hides nothing
