"""How long a killed process keeps the watchers of its streams and of its runs waiting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.chaos.faults import Kill
from bench.chaos.watching import Watcher

# A stream breaks at once when its server is killed; later it was something else.
_AT_ONCE_SECONDS = 1.0
# After these events a run may be silent for as long as others, or people, take.
_WAITING = frozenset({"queued", "paused", "resumed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """`seconds` from a kill to the event `sequence`, as one watcher waited for it.

    `with_database` are those of them after the database was back, if it was away meanwhile: without
    it nobody can take a run up. `at` is when the event came, in monotonic seconds.
    """

    seconds: float
    with_database: float
    tag: str
    watcher: str
    sequence: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`seconds` without an event, whatever the cause, before `sequence` came `at` its time."""

    seconds: float
    tag: str
    watcher: str
    sequence: int
    at: float


def resumes(
    watchers: Iterable[Watcher], kills: Sequence[Kill], returns: Sequence[float] = ()
) -> list[Resume]:
    """From each kill to the next event, of every watcher that was touched by it.

    `returns` is when the database came back.
    """
    return [
        Resume(
            seconds=seconds,
            with_database=_since(returns, watcher.heard[place], seconds),
            tag=watcher.story.tag,
            watcher=watcher.sight.name,
            sequence=place + 1,
            at=watcher.heard[place],
        )
        for watcher in watchers
        for place, seconds in {**_taken_over(watcher, kills), **_broken(watcher, kills)}.items()
    ]


def silences(watchers: Iterable[Watcher], at_least: float) -> list[Silence]:
    """Those that watchers sat through although the run waited for no turn and for nobody."""
    return [
        Silence(
            seconds=heard - before,
            tag=watcher.story.tag,
            watcher=watcher.sight.name,
            sequence=place + 2,
            at=heard,
        )
        for watcher in watchers
        for place, (before, heard) in enumerate(pairwise(watcher.heard))
        if heard - before >= at_least
        and watcher.sight.events[place].WhichOneof("kind") not in _WAITING
    ]


def _since(returns: Sequence[float], heard: float, seconds: float) -> float:
    return min([seconds, *(heard - back for back in returns if back <= heard)])


def _broken(watcher: Watcher, kills: Sequence[Kill]) -> dict[int, float]:
    """Streams that went down with their server, by the event that came next."""
    found = {}
    for broken in watcher.broken:
        by = [
            kill
            for kill in kills
            if kill.name == broken.server and 0 <= broken.at - kill.at < _AT_ONCE_SECONDS
        ]
        if by and broken.following < len(watcher.heard):
            found[broken.following] = watcher.heard[broken.following] - by[-1].at
    return found


def _taken_over(watcher: Watcher, kills: Sequence[Kill]) -> dict[int, float]:
    """Runs that another process took up, by that event; the first kill in the silence counts."""
    found = {}
    starts = [n for n, event in enumerate(watcher.sight.events) if event.HasField("started")]
    for start in starts[1:]:
        silence = watcher.heard[start - 1], watcher.heard[start]
        by = [kill.at for kill in kills if silence[0] <= kill.at <= silence[1]]
        if by:
            found[start] = silence[1] - min(by)
    return found
