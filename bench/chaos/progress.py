"""A line now and then that says how far it is, and the most that a process ever held."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos.faults import Faults
from bench.report import console

_LOOK_SECONDS, _TELL_SECONDS = 1.0, 10.0


@dataclass(slots=True, kw_only=True)
class Progress:
    """`goal` is in faults; `peak_mb` and `peak_files` are those of the largest process so far."""

    faults: Faults
    goal: int
    peak_mb: float = 0.0
    peak_files: int = 0
    _begun: float = field(default_factory=time.monotonic)

    async def tell(self) -> None:
        """Look and tell, until cancelled."""
        told = self._begun
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._look()
            if time.monotonic() - told >= _TELL_SECONDS:
                told = time.monotonic()
                console.print(f"[dim]{self._line()}[/]")

    def _look(self) -> None:
        for member in self.faults.world.members.all:
            if member.ready and member.process is not None:
                place = Path("/proc") / str(member.process.pid)
                # It may be killed while it is looked at.
                with suppress(OSError):
                    self.peak_mb = max(self.peak_mb, _resident_mb(place))
                    self.peak_files = max(self.peak_files, len(list((place / "fd").iterdir())))

    def _line(self) -> str:
        asking = self.faults.asking
        under_way = len({watcher.story.tag for watcher in asking.watchers})
        return (
            f"{time.monotonic() - self._begun:4.0f} s: {min(self.faults.total, self.goal)} of "
            f"{self.goal} faults, {len(asking.stories)} runs ({under_way} under way), "
            f"{self.peak_mb:.0f} MB at most"
        )


def _resident_mb(place: Path) -> float:
    lines = (place / "status").read_text().splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) / 1024 if found else 0.0
