"""What is broken, at random but by a seed, and brought back again."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from bench.chaos.announcements import Mood
from bench.chaos.asking import Asking
from bench.chaos.members import Member
from bench.chaos.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Which process was ended, and when (monotonic seconds)."""

    name: str
    at: float


# How often each fault comes, beside the others.
WEIGHTS = {
    "disconnect": 40,
    "drop": 11,
    "delay": 11,
    "kill-server": 9,
    "kill-worker": 9,
    "stop-server": 3,
    "stop-worker": 3,
    "kill-valkey": 5,
    "stop-postgres": 3,
    "kill-postgres": 3,
    "kill-everything": 2,
}
_SPELL_SECONDS = 0.3, 1.2
_AWAY_SECONDS = 0.0, 0.8
_MOST_EVENTS = 10
Recovery = Coroutine[None, None, None]


@dataclass(slots=True, kw_only=True)
class Faults:
    """Injects one fault after the other; what needs time to come back does so beside the next.

    `done` counts what did happen: a spell without an announcement in it is no fault. `returns` is
    when Postgres was back each time, in monotonic seconds.
    """

    world: World
    asking: Asking
    chance: Random
    chosen: Collection[str] = tuple(WEIGHTS)
    done: Counter[str] = field(default_factory=Counter)
    kills: list[Kill] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    _away: set[str] = field(default_factory=set)

    async def inject(self, count: int, gap: float) -> None:
        """`count` faults, `gap` seconds apart on average; returns when all are over."""
        names = [name for name in WEIGHTS if name in self.chosen]
        async with asyncio.TaskGroup() as group:
            while self.total < count:
                await asyncio.sleep(min(self.chance.expovariate(1 / gap), 4 * gap))
                name = self.chance.choices(names, [WEIGHTS[one] for one in names])[0]
                if recovery := self._begin(name):
                    group.create_task(recovery)

    @property
    def total(self) -> int:
        return self.counts().total()

    def counts(self) -> Counter[str]:
        """How often each fault happened."""
        left = sum(watcher.left for watcher in (*self.asking.watchers, *self.asking.past))
        return self.done + Counter({"disconnect": left})

    def _begin(self, name: str) -> Recovery | None:
        """What there is to wait for; None when it is done, or cannot be done right now."""
        verb, _, what = name.partition("-")
        if name == "disconnect":
            self._disconnect()
            return None
        if name in ("drop", "delay"):
            return self._spell(name)
        if what == "postgres":
            return self._postgres(name)
        if what == "valkey":
            return self._valkey(name)
        if what == "everything":
            return self._everything(name)
        received = signal.SIGKILL if verb == "kill" else signal.SIGTERM
        up = [member for member in self.world.members.all if member.ready and member.kind == what]
        return self._process(name, self.chance.choice(up), received) if up else None

    def _disconnect(self) -> None:
        staying = [w for w in self.asking.watchers if w.door and w.leave_after is None]
        if staying:
            staying.sort(key=lambda watcher: (watcher.story.tag, watcher.sight.name))
            self.chance.choice(staying).leave_after = self.chance.randint(1, _MOST_EVENTS)

    def _spell(self, name: str) -> Recovery | None:
        return None if self._is_away("announcements") else self._mood(name)

    async def _mood(self, name: str) -> None:
        proxy = self.world.proxy
        before = proxy.dropped + proxy.delayed
        drop, delay = self.chance.choice((0.3, 1.0)), self.chance.choice((0.1, 0.5))
        proxy.mood = Mood(drop=drop) if name == "drop" else Mood(delay=delay)
        await asyncio.sleep(self.chance.uniform(*_SPELL_SECONDS))
        proxy.mood = Mood()
        self._away.discard("announcements")
        self.done[name] += proxy.dropped + proxy.delayed > before

    def _postgres(self, name: str) -> Recovery | None:
        if self._is_away("postgres"):
            return None
        return self._restart(
            name,
            "postgres",
            self.world.restart_postgres(
                killed=name.startswith("kill"), away=self.chance.uniform(*_AWAY_SECONDS)
            ),
        )

    def _valkey(self, name: str) -> Recovery | None:
        if self._is_away("valkey"):
            return None
        away = self.chance.uniform(*_AWAY_SECONDS)
        return self._restart(name, "valkey", self.world.restart_valkey(away=away))

    def _everything(self, name: str) -> Recovery | None:
        members = self.world.members.all
        return self._together(name) if all(member.ready for member in members) else None

    async def _together(self, name: str) -> None:
        """Every process of ours in the same moment, as when the power fails."""
        self._happens(name)
        at = time.monotonic()
        self.kills += [Kill(name=member.name, at=at) for member in self.world.members.all]
        async with asyncio.TaskGroup() as group:
            for member in self.world.members.all:
                group.create_task(self._end_and_start(member, signal.SIGKILL))

    async def _process(self, name: str, member: Member, received: signal.Signals) -> None:
        self._happens(name, member.name)
        if received is signal.SIGKILL:
            self.kills.append(Kill(name=member.name, at=time.monotonic()))
        await self._end_and_start(member, received)

    async def _end_and_start(self, member: Member, received: signal.Signals) -> None:
        await self.world.members.kill(member, received)
        await asyncio.sleep(self.chance.uniform(*_AWAY_SECONDS))
        await self.world.members.start(member)
        self._tell(f"{member.name} is back")

    async def _restart(self, name: str, what: str, restart: Recovery) -> None:
        self._happens(name)
        await restart
        if what == "postgres":
            self.returns.append(time.monotonic())
        self._tell(f"{what} is back")
        self._away.discard(what)

    def _happens(self, name: str, where: str = "") -> None:
        self.done[name] += 1
        self._tell(f"{name} {where}")

    def _tell(self, what: str) -> None:
        """A line with the time, for whoever looks for the cause of what comes of it."""
        with self.world.story.open("a") as told:
            told.write(f"{datetime.now(UTC):%H:%M:%S.%f} {what}\n")

    def _is_away(self, what: str) -> bool:
        """Whether it is broken already; from now on it is."""
        already = what in self._away
        self._away.add(what)
        return already
