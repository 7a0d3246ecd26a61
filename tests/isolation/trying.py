"""Goes through the matrix against a server, and looks at what it left behind."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import asyncpg
import jwt
from redis.asyncio import Redis

from adapters.local.blobs import FileBlobStore
from domain.identifiers import DocumentId, SpaceId
from entrypoints.container import Container
from isolation import layers
from isolation.acting import Acting, neighbour, owner, stranger
from isolation.actors import actors
from isolation.cases import Case, cases, missing
from isolation.hosting import hosted, signed_in
from isolation.judging import Times, leaks
from isolation.knocking import UNIMPLEMENTED, Answer, Visitor
from isolation.order import Findings, Order, world_of
from isolation.snapshot import changes, take
from isolation.world import World

if TYPE_CHECKING:
    Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_AT_ONCE = 12
_UNFINISHED = """
    select exists (select from obelisk.runs where state in ('queued', 'running'))
           or exists (select from obelisk.documents where state not in ('ready', 'failed'))
"""
# Longer than any process may go without knowing of a change of somebody's memberships.
_KNOWN_SECONDS = 1.0
# Calls that end the sessions of whoever makes them: somebody else makes them each time.
_ENDING = frozenset(
    {"AuthService.SignOut", "AuthService.SignOutEverywhere", "AuthService.ChangePassword"}
)


async def attempt(order: Order, lost: dict[str, int]) -> Findings:
    """`lost` tells how many statements of each file were loaded without filters."""
    begun = time.perf_counter()
    findings, world = Findings(), world_of(order.world)
    superuser = await asyncpg.connect(order.owner_dsn)
    try:
        if not order.filters:
            findings.rewritten = await layers.rewrite_functions(superuser)
        if not order.policies:
            findings.open_tables = await layers.disable_policies(superuser)
        with _listening(world, findings):
            await _attempt(order, world, superuser, findings)
        findings.rewritten += sum(lost.values())
        findings.leaks += await _left_in_caches(order, world)
    finally:
        await superuser.close()
    findings.seconds = round(time.perf_counter() - begun, 1)
    findings.cpu_seconds = round(time.process_time(), 1)
    return findings


async def _attempt(order: Order, world: World, superuser: "Connection", findings: Findings) -> None:
    blobs = Path(order.folder) / "blobs"
    await _keep_files(world, blobs)
    async with hosted(order) as (container, addresses):
        crowd = _Crowd(container, world)
        world = await crowd.sign_in()
        await _remove(superuser, world)
        async with Visitor(addresses.grpc, addresses.rest) as visitor:
            acting = Acting(visitor, crowd.tokens, partial(_until_idle, superuser))
            at_home = (neighbour(world), stranger(world))
            for worker in at_home:
                findings.leaks += await acting.read(worker)
            before = await take(superuser, blobs)
            trial = _Trial(crowd, visitor, findings)
            await trial.run(_chosen(world, order))
            # In their own tenant people may do all of it, and nothing of it reaches another.
            for worker in at_home:
                findings.leaks += await acting.change(worker)
            await _until_idle(superuser)
            after = await take(superuser, blobs)
            findings.leaks += changes(world, before, after)
            findings.leaks += await acting.read(owner(world)) + await acting.change(owner(world))
            findings.cases += acting.acts


class _Crowd:
    """Everybody with their access tokens, by user."""

    def __init__(self, container: Container, world: World) -> None:
        self._container, self._world = container, world
        self._turn = count()
        self.tokens: dict[str, str] = {}

    async def sign_in(self) -> World:
        """Open everybody's session; the world then knows the id of the victim's own token."""
        world = self._world
        for user, organization, *_ in world.members:
            self.tokens[user] = await signed_in(self._container, user, organization)
        token = self.tokens[world.victim.owner]
        claims = jwt.decode(token, options={"verify_signature": False})
        return replace(world, victim=replace(world.victim, token=claims["jti"]))

    async def token_for(self, case: Case) -> str | None:
        """What `case` is sent with."""
        if case.actor.token is None:
            return None
        if case.rpc.short not in _ENDING:
            return self.tokens[case.actor.token]
        passer_by = self._world.passers_by[next(self._turn) % len(self._world.passers_by)]
        return await signed_in(self._container, passer_by, None)


class _Trial:
    """Tries cases, many at once; what leaks goes into the findings."""

    def __init__(self, crowd: _Crowd, visitor: Visitor, findings: Findings) -> None:
        self._crowd, self._visitor, self._findings = crowd, visitor, findings
        self._absent: set[str] = set()
        self._times = Times()

    async def run(self, chosen: Iterable[Case]) -> None:
        """Try all, each beside a request for ids that exist nowhere."""
        alike = groupby(sorted(chosen, key=lambda case: str(case.twin)), key=lambda case: case.twin)
        waiting = iter([list(group) for _, group in alike])
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(self._work(waiting))
        self._findings.not_there_yet = sorted(self._absent)
        self._findings.foreign_ms, self._findings.missing_ms = self._times.medians()

    async def _work(self, waiting: Iterator[list[Case]]) -> None:
        for group in waiting:
            twin = missing(group[0])
            of_twin = await self._knock(twin)
            self._times.of_missing(of_twin)
            if of_twin.status == UNIMPLEMENTED:
                self._absent.add(twin.rpc.short)
                continue
            for case in group:
                answer = await self._knock(case)
                self._times.of_foreign(answer)
                self._findings.cases += 1
                self._findings.leaks += [
                    f"{case}: {leak}" for leak in leaks(case, answer, twin, of_twin)
                ]

    async def _knock(self, case: Case) -> Answer:
        return await self._visitor.knock(case, await self._crowd.token_for(case))


def _chosen(world: World, order: Order) -> Iterator[Case]:
    """All cases with what belongs in its place, and each n-th with another kind of id."""
    turn = count(order.offset)
    for case in cases(actors(world)):
        wrong = any(site.kind is not kind for site, kind in case.replaced)
        if not wrong or next(turn) % order.every == 0:
            yield case


async def _keep_files(world: World, blobs: Path) -> None:
    store = FileBlobStore(blobs)
    for its in (world.home, world.beside, world.elsewhere):
        document = DocumentId(UUID(its.document))
        await store.put(SpaceId(UUID(its.space)), document, f"# {its.content}".encode())


async def _remove(superuser: "Connection", world: World) -> None:
    """Two people lose what they had, and keep the tokens that say that they have it."""
    await superuser.execute(
        "delete from obelisk.organization_members where user_id = $1", world.leaver
    )
    await superuser.execute(
        "delete from obelisk.space_members where user_id = $1 and space_id = $2",
        *(world.mover, world.home.space),
    )
    await asyncio.sleep(_KNOWN_SECONDS)


async def _until_idle(superuser: "Connection") -> None:
    async with asyncio.timeout(20):
        while await superuser.fetchval(_UNFINISHED):  # noqa: ASYNC110  # any job may end last
            await asyncio.sleep(0.02)


async def _left_in_caches(order: Order, world: World) -> list[str]:
    words = [word.encode() for word in _words(world)]
    found = []
    async with Redis.from_url(order.redis_url) as redis:
        async for key in redis.scan_iter():
            value = repr(await redis.dump(key)).encode()
            found += [f"the cache keeps {key!r}" for word in words if word in key + value]
    return found


def _words(world: World) -> tuple[str, ...]:
    return world.home.content, world.victim.private, world.victim.public


@contextmanager
def _listening(world: World, findings: Findings) -> Iterator[None]:
    """Every log record of this process, at DEBUG, is held against the victim's words."""
    log, overheard = logging.getLogger(), _Overheard(frozenset(_words(world)))
    log.addHandler(overheard)
    log.setLevel(logging.DEBUG)
    # The visitor's own.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    yield
    log.removeHandler(overheard)
    findings.leaks += sorted(overheard.heard)


class _Overheard(logging.Handler):
    def __init__(self, words: frozenset[str]) -> None:
        super().__init__(logging.DEBUG)
        self._words = words
        self._spell = logging.Formatter("%(name)s %(message)s")
        self.heard: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = self._spell.format(record)
        if any(word in text for word in self._words):
            self.heard.add(f"a log record of {record.name} holds the victim's words")
