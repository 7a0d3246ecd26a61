"""What happened, for people and as JSON."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.chaos.checking import Verdict
from bench.chaos.faults import Faults
from bench.chaos.history import Story
from bench.chaos.resuming import Resume, Silence, resumes, silences
from bench.measuring import quantile
from bench.report import console
from rich.table import Table

from obelisk.v1 import run_pb2

_MOST_LINES = 40
# A lease, the look for those that have expired, and a process that starts meanwhile.
_SLOW_SECONDS = 5.0
# Of anything else: a database that comes back, and a lease after that.
_SILENT_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`surprises` are answers and ends that no fault explains; `left_behind` are processes.

    `peak_mb` and `peak_files` are those of the largest process of ours; `connections` are those to
    the database in the end.
    """

    verdict: Verdict
    faults: Faults
    surprises: tuple[str, ...]
    left_behind: tuple[str, ...]
    seed: int
    seconds: float
    calls_again: int
    unended: tuple[str, ...]
    peak_mb: float
    peak_files: int
    connections: int

    @property
    def resumes(self) -> list[Resume]:
        return resumes(self.faults.asking.past, self.faults.kills, self.faults.returns)

    @property
    def silences(self) -> list[Silence]:
        return silences(self.faults.asking.past, _SILENT_SECONDS)

    @property
    def broken(self) -> tuple[str, ...]:
        """Every promise that was broken, a line each."""
        behind = [f"left behind: {line}" for line in self.left_behind]
        return (*self.verdict.broken, *self.surprises, *behind)

    def summary(self) -> dict[str, object]:
        """The figures, times in milliseconds."""
        asking, proxy, verdict = self.faults.asking, self.faults.world.proxy, self.verdict
        resumed = [resume.with_database for resume in self.resumes]
        waited = [resume.seconds for resume in self.resumes]
        reconnected = [seconds for w in asking.past for seconds in w.reconnects]
        return {
            "benchmark": "chaos",
            "faults": self.faults.total,
            "watchers": len(asking.past),
            "lost": verdict.lost,
            "repeated": verdict.repeated,
            "stuck": verdict.stuck,
            "repeated_side_effects": verdict.repeated_side_effects,
            "resume_p50_ms": _ms(resumed, 0.5),
            "resume_p99_ms": _ms(resumed, 0.99),
            "resume_max_ms": _ms(resumed, 1.0),
            "resume_with_outages_p99_ms": _ms(waited, 0.99),
            "long_silences": len(self.silences),
            "runs": len(asking.stories),
            "resumes": len(resumed),
            "reconnect_p99_ms": _ms(reconnected, 0.99),
            "failed": verdict.failed,
            "wrong_drafts": verdict.wrong_drafts,
            "wrong_messages": verdict.wrong_messages,
            "doubled_runs": verdict.doubled_runs,
            "surprises": len(self.surprises),
            "faults_by_kind": dict(self.faults.counts()),
            "announcements_dropped": proxy.dropped,
            "announcements_delayed": proxy.delayed,
            "endings": dict(_endings(asking.stories)),
            "paused_runs": sum(_paused(story) for story in asking.stories),
            "retaken_runs": sum(_attempts(story) > 1 for story in asking.stories),
            "calls_again": self.calls_again,
            "drafts_discarded": sum(_discarded(story) for story in asking.stories),
            "peak_process_mb": round(self.peak_mb),
            "peak_process_files": self.peak_files,
            "connections": self.connections,
            "seed": self.seed,
            "cores": os.cpu_count(),
            "elapsed_seconds": round(self.seconds, 1),
            "holds": not self.broken,
        }


def show(outcome: Outcome) -> None:
    """Print what was broken on purpose, and then what broke."""
    table = Table("fault", "times", title=f"Chaos, seed {outcome.seed}")
    table.columns[1].justify = "right"
    for name, times in sorted(outcome.faults.counts().items()):
        table.add_row(name, str(times))
    console.print(table)
    for line in outcome.broken[:_MOST_LINES]:
        console.print(f"[red]broken[/] {line}", soft_wrap=True)
    for line in outcome.unended[:_MOST_LINES]:
        console.print(f"[dim]{line}[/]", soft_wrap=True)
    slow = [resume for resume in outcome.resumes if resume.with_database > _SLOW_SECONDS]
    for resume in slow[:_MOST_LINES]:
        console.print(
            f"[dim]{_clock(resume.at)} {resume.tag}, {resume.watcher}: "
            f"event {resume.sequence} came {resume.seconds:.1f} s after a kill[/]"
        )
    _say_silences(outcome.silences)
    if len(outcome.broken) > _MOST_LINES:
        console.print(f"[red]and {len(outcome.broken) - _MOST_LINES} more[/]")


def _say_silences(found: list[Silence]) -> None:
    for silence in found[:_MOST_LINES]:
        console.print(
            f"[dim]{_clock(silence.at)} {silence.tag}, {silence.watcher}: "
            f"event {silence.sequence} came after {silence.seconds:.1f} s of silence[/]"
        )


def _clock(at: float) -> str:
    """The time of day at `at`, which is in monotonic seconds."""
    return f"{datetime.now(UTC) - timedelta(seconds=time.monotonic() - at):%H:%M:%S.%f}"


def _endings(stories: list[Story]) -> Counter[str]:
    names = run_pb2.TerminationReason.Name
    ended = [story.log[-1] for story in stories if story.log]
    prefix = len("TERMINATION_REASON_")
    return Counter(
        names(e.completed.reason)[prefix:].lower() for e in ended if e.HasField("completed")
    )


def _attempts(story: Story) -> int:
    return sum(event.HasField("started") for event in story.log)


def _paused(story: Story) -> int:
    return sum(event.HasField("paused") for event in story.log)


def _discarded(story: Story) -> int:
    return sum(event.HasField("draft_discarded") for event in story.log)


def _ms(seconds: list[float], share: float) -> float:
    return round(quantile(seconds, share) * 1000, 1) if seconds else 0.0
