"""Tries an identity before anything depends on it."""

import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from adapters.postgres.embedded.binaries import Binaries
from adapters.postgres.embedded.identity import Identity
from adapters.postgres.embedded.spawner import Spawner

_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Either the programs' major version, as PG_VERSION spells it, or why they cannot be run."""

    major: str = ""
    problem: str = ""


def probe(who: Identity, folder: Path, binaries: Binaries, spawner: Spawner) -> Probe:
    """Whether `who` can run the server's program and enter and write `folder`."""
    process = spawner.spawn(
        [binaries.postgres, "--version"],
        identity=who,
        folder=folder,
        death_signal=signal.SIGKILL,
        output=subprocess.PIPE,
    )
    try:
        output, _ = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Probe(problem=f"{binaries.postgres} did not answer within {_SECONDS:.0f} s")
    said = output.decode(errors="replace").strip()
    found = re.search(r"PostgreSQL\) (\d+)", said)
    if process.returncode == 0 and found:
        return Probe(major=found[1])
    return Probe(problem=said or f"{binaries.postgres} ended with status {process.returncode}")
