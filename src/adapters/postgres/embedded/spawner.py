"""The thread whose end is the end of the server."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from adapters.postgres.embedded.identity import Identity

_CHILD = Path(__file__).with_name("child.py")


class Spawner:
    """Starts every child from one long-lived thread, in a session of its own.

    The kernel sends a child its death signal when the *thread* that started it ends, so a
    short-lived caller must not start it; the thread lives until `close` or the process's end.
    """

    def __init__(self) -> None:
        self._requests: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="postgres-owner", daemon=True)
        self._thread.start()

    def spawn(
        self,
        program: Sequence[str | Path],
        *,
        identity: Identity,
        folder: Path,
        death_signal: signal.Signals,
        output: int | IO[bytes],
        keep_open: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `program` as `identity`; both its output streams go to `output`."""
        child = (str(os.getpid()), str(int(death_signal)), identity.argument, str(folder))
        command = [sys.executable, "-I", "-S", str(_CHILD), *child, *map(str, program)]
        started: Future[subprocess.Popen[bytes]] = Future()

        def start() -> None:
            try:
                started.set_result(_popen(command, output, keep_open))
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                started.set_exception(error)

        self._requests.put(start)
        return started.result()

    def close(self) -> None:
        """End the thread, and with it whatever it started and nobody stopped."""
        self._requests.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (request := self._requests.get()) is not None:
            request()


def _popen(
    command: Sequence[str], output: int | IO[bytes], keep_open: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        pass_fds=tuple(keep_open),
        start_new_session=True,
    )
