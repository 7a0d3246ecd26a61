"""Streams that are open, and the one watcher of a process that ends those let in no more."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import grpc

from application.auth.authenticate import Authenticate
from application.auth.authority import AuthorityUnknown, AuthorityWatch
from application.context import RequestContext
from application.ports.clock import Clock
from domain.auth.claims import TokenRejected
from domain.auth.revocation import Verdict
from domain.auth.session import SessionEnded, TokenExpired
from domain.errors import ObeliskError, Unavailable
from domain.tenancy.space import SpaceNotFound
from entrypoints.grpc.call import correlation_id
from entrypoints.grpc.errors import status_of
from entrypoints.grpc.interceptors.chain import Call

_LOOK_SECONDS = 0.5
# A stream outlives a database that blinks, and not one that is away: what if it was revoked?
_UNKNOWN_SECONDS = 1.5
_ABORT_SECONDS = 1.0
# gRPC's core cancels what comes in the moment in which a server shuts down, so the last refusal is
# this long ago then; those who call on and on wait no longer than that.
_QUIET_SECONDS, _LONGEST_QUIET_SECONDS = 0.1, 1.0
# So many at once leave connections to requests; one that hangs gives its place to the next.
_LOOKUPS = 8
_LOOKUP_SECONDS = 1.0
_log = logging.getLogger(__name__)


class ServerLeaving(Unavailable):
    reason = "SERVER_LEAVING"

    def __init__(self) -> None:
        super().__init__("this server is being stopped; call again, and another one answers")


@dataclass(slots=True, eq=False, kw_only=True)
class _Held:
    """A call that this process can end from outside of its handler."""

    call: Call
    correlation_id: str
    scope: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    open: bool = True
    aborted: grpc.aio.AbortError | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class _Stream(_Held):
    """`epoch` is the one under which the caller was last seen to have the space.

    None at first: it may have moved while they were let in, so the first look asks again.
    `asked` is set while that is being looked up.
    """

    context: RequestContext
    epoch: int | None = None
    asked: bool = False


class OpenStreams:
    """Ends a stream within two seconds of its token, session or user being revoked, of its space
    being lost to the caller, and once its token's time is over."""

    def __init__(
        self,
        *,
        authenticate: Authenticate,
        authority: AuthorityWatch,
        clock: Clock,
        skew: timedelta,
    ) -> None:
        self._authenticate = authenticate
        self._authority = authority
        self._clock = clock
        self._skew = skew
        self._streams: set[_Stream] = set()
        self._arriving: set[_Held] = set()
        self._lookups = asyncio.Semaphore(_LOOKUPS)
        self._watcher: asyncio.Task[None] | None = None
        self._leaving = False
        self._refused_at = 0.0

    async def start(self) -> None:
        """Begin to watch."""
        # Owned here: `close` cancels and awaits it.
        self._watcher = asyncio.get_running_loop().create_task(self._watch(), name="open-streams")

    async def leave(self) -> None:
        """Tell those who listen that this process goes, and let no more in; uploads may end.

        Else the server would cancel them, and a client cannot tell that from its own doing. Returns
        when those who call again at once have been told too.
        """
        self._leaving = True
        told = bool(self._streams or self._arriving)
        async with asyncio.TaskGroup() as tasks:
            for arriving in [*self._arriving]:
                tasks.create_task(_end(arriving, ServerLeaving()))
            for stream in [*self._streams]:
                if stream.call.streams:
                    self._let_go(stream, ServerLeaving(), tasks)
        if told:
            await self._until_nobody_calls()

    async def _until_nobody_calls(self) -> None:
        loop = asyncio.get_running_loop()
        begun = self._refused_at = loop.time()
        while (now := loop.time()) < self._refused_at + _QUIET_SECONDS:
            if now > begun + _LONGEST_QUIET_SECONDS:
                return
            await asyncio.sleep(_QUIET_SECONDS / 4)

    def _refuse_when_leaving(self) -> None:
        if self._leaving:
            self._refused_at = asyncio.get_running_loop().time()
            raise ServerLeaving

    async def close(self) -> None:
        """Watch no more. Idempotent."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    @asynccontextmanager
    async def arriving(self, call: Call) -> AsyncGenerator[None]:
        """Held while it is found out who wants to listen; raises ServerLeaving after `leave`."""
        self._refuse_when_leaving()
        arriving = _Held(call=call, correlation_id=correlation_id())
        async with _ended_by_abort(arriving):
            self._arriving.add(arriving)
            try:
                yield
            finally:
                self._arriving.discard(arriving)

    @asynccontextmanager
    async def held(self, call: Call, context: RequestContext) -> AsyncGenerator[None]:
        """Let the stream go on for as long as what let it in still counts.

        Raises ServerLeaving once `leave` was called.
        """
        self._refuse_when_leaving()
        stream = _Stream(call=call, correlation_id=context.correlation_id, context=context)
        async with _ended_by_abort(stream):
            self._streams.add(stream)
            try:
                yield
            finally:
                self._streams.discard(stream)

    def _epoch(self, context: RequestContext) -> int:
        return self._authority.epoch_of(context.user_id)

    async def _watch(self) -> None:
        generation = -1
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._authority.changed(generation, _LOOK_SECONDS)
                generation = self._authority.generation
                unknown = await self._unknown()
                for stream in [*self._streams]:
                    ending = unknown or self._ending(stream)
                    if ending is not None:
                        self._let_go(stream, ending, tasks)
                    elif self._moved(stream) and not stream.asked:
                        stream.asked = True
                        tasks.create_task(self._look_up(stream, tasks))

    def _let_go(self, stream: _Stream, ending: ObeliskError, tasks: asyncio.TaskGroup) -> None:
        if stream in self._streams:
            self._streams.discard(stream)
            tasks.create_task(_end(stream, ending))

    async def _unknown(self) -> ObeliskError | None:
        """Why nothing can be told of any stream, once that has lasted too long."""
        if self._authority.age() <= _UNKNOWN_SECONDS:
            return None
        try:
            await self._authority.fresh()
        except AuthorityUnknown as error:
            return error
        return None

    def _ending(self, stream: _Stream) -> ObeliskError | None:
        """Why the stream may not go on by what is known here; None while it may."""
        claims = stream.context.claims
        if claims.expire_time + self._skew <= self._clock.now():
            return TokenExpired()
        if self._authority.verdict(claims) is Verdict.REVOKED:
            return SessionEnded()
        return None

    def _moved(self, stream: _Stream) -> bool:
        """Whether the caller may stand otherwise in the space than when it was last seen."""
        return stream.context.space is not None and self._epoch(stream.context) != stream.epoch

    async def _look_up(self, stream: _Stream, tasks: asyncio.TaskGroup) -> None:
        """End the stream if its space is lost; one that cannot be told is asked for again."""
        try:
            async with self._lookups, asyncio.timeout(_LOOKUP_SECONDS):
                if stream in self._streams and not await self._may_enter(stream):
                    self._let_go(stream, SpaceNotFound(), tasks)
        except TokenRejected:
            self._let_go(stream, SessionEnded(), tasks)
        except Exception as error:  # noqa: BLE001 - one stream's trouble must not end the watch
            _log.warning("a stream's space could not be looked up: %r", error)
        finally:
            stream.asked = False

    async def _may_enter(self, stream: _Stream) -> bool:
        epoch, space = self._epoch(stream.context), stream.context.space
        if space is None:
            return True
        access = await self._authenticate.access(stream.context.claims, space.space_id)
        stream.epoch = epoch
        return access is not None


@asynccontextmanager
async def _ended_by_abort(held: _Held) -> AsyncGenerator[None]:
    try:
        async with held.scope:
            yield
    except TimeoutError:
        if not held.scope.expired():
            raise
        raise held.aborted or grpc.aio.AbortError() from None
    finally:
        held.open = False


async def _end(held: _Held, error: ObeliskError) -> None:
    """Tell the client first: its handler may wait for a database that is away, or be held up by
    the very client that takes nothing.
    """
    status = status_of(error, held.correlation_id)
    try:
        async with asyncio.timeout(_ABORT_SECONDS):
            await held.call.abort(status)
    except grpc.aio.AbortError as aborted:
        held.aborted = aborted
    except TimeoutError:
        _log.info("%s was ended for a client that takes nothing", held.call.method)
    finally:
        if held.open:
            held.scope.reschedule(asyncio.get_running_loop().time())
