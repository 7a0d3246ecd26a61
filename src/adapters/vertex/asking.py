"""Calls to Google's services: tried again while they are busy, and failures in plain words."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.retry import AsyncRetry, if_exception_type

from domain.errors import ObeliskError, Unavailable

T = TypeVar("T")
_MOST_OF_THEIR_WORDS = 200


class Asking:
    """A channel to a service, for one model: asks, and says in our words what went wrong.

    `seconds` is the deadline of a call, with all that is tried again.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        model: str,
        unavailable: type[Unavailable],
        seconds: float,
    ) -> None:
        self._channel = channel
        self._model = model
        self._unavailable = unavailable
        self._seconds = seconds
        self._closed = False

    async def close(self) -> None:
        """Running calls fail, later ones are refused."""
        self._closed = True
        await self._channel.close(grace=None)

    async def ask(
        self,
        method: Callable[..., Awaitable[T]],
        request: object,
        *,
        wrong: Callable[[str], ObeliskError] | None = None,
    ) -> T:
        """The answer; `wrong` makes an error of the words in which an argument is refused.

        Raises:
            Unavailable: no answer, as `unavailable`; a refused argument too, without `wrong`.
            ObeliskError: what `wrong` makes.
        """
        async with self.told(wrong):
            return await method(request, retry=self.patience(), timeout=self._seconds)

    def patience(self) -> AsyncRetry:
        """Tries again while the service is busy or away, as long as a call may take."""
        busy = if_exception_type(google_errors.TooManyRequests, google_errors.ServiceUnavailable)
        return AsyncRetry(predicate=busy, initial=0.1, maximum=5.0, timeout=self._seconds)

    @asynccontextmanager
    async def told(self, wrong: Callable[[str], ObeliskError] | None = None) -> AsyncIterator[None]:
        """Failures inside as ours; see `ask`."""
        if self._closed:
            raise self._unavailable(f"the connection to the model {self._model} is closed")
        try:
            yield
        except google_errors.BadRequest as error:
            made = wrong or self._unavailable
            raise made(f"the model {self._model} refuses this: {_their_words(error)}") from error
        except google_errors.GoogleAPIError as error:
            raise self._unavailable(self._meaning(error)) from error
        except (grpc.aio.UsageError, asyncio.CancelledError) as error:
            # So do calls end whose channel is closed meanwhile; a cancelled task is another thing.
            if not self._closed or _is_cancelled():
                raise
            raise self._unavailable(f"the connection to {self._model} was closed") from error

    def _meaning(self, error: Exception) -> str:
        cause = error.cause if isinstance(error, google_errors.RetryError) else error
        match cause:
            case google_errors.TooManyRequests():
                return f"the quota of the model {self._model} is used up"
            case google_errors.NotFound():
                return f"there is no model {self._model} at this location of Vertex AI"
            case google_errors.Unauthorized() | google_errors.Forbidden():
                return f"Vertex AI refuses our credentials: {_their_words(cause)}"
            case google_errors.GatewayTimeout():
                return f"the model {self._model} did not answer within {self._seconds:g} s"
        return f"the model {self._model} does not answer: {_their_words(cause)}"


def _their_words(error: object) -> str:
    told = error.message if isinstance(error, google_errors.GoogleAPICallError) else str(error)
    return str(told)[:_MOST_OF_THEIR_WORDS]


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
