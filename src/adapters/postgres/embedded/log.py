"""The server's log: kept small, and quoted when a start fails."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.postgres.embedded.files import open_private

_KEPT_BYTES = 8 * 1024 * 1024
_TAIL_BYTES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLog:
    """One start's part of the log, from byte `begin` on."""

    path: Path
    stream: IO[bytes]
    begin: int

    def tail(self) -> str:
        """The last lines of this start, for an error message."""
        end = self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(max(self.begin, end - _TAIL_BYTES))
            return file.read().decode(errors="replace").strip() or "(the log is empty)"


def open_log(path: Path) -> ServerLog:
    """Append to the log; one that has grown past 8 MiB becomes `<name>.1` first."""
    if path.exists() and path.stat().st_size > _KEPT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    stream = os.fdopen(open_private(path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0)
    return ServerLog(path=path, stream=stream, begin=path.stat().st_size)
