"""The server's main process, from its start to its end."""

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from adapters.postgres.embedded.cluster import is_ready
from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.log import ServerLog
from adapters.postgres.embedded.residence import Residence
from adapters.postgres.embedded.spawner import Spawner

_POLL_SECONDS = 0.01
_LAST_RESORT_SECONDS = 5.0
# PostgreSQL's own words: SIGINT is a fast shutdown, SIGQUIT an immediate one.
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT


class Postmaster:
    """A direct child, so its process id cannot be anybody else's until we have reaped it."""

    def __init__(self, process: subprocess.Popen[bytes], data: Path, log: ServerLog) -> None:
        self._process = process
        self._data = data
        self._log = log

    @classmethod
    def launch(
        cls,
        home: Residence,
        spawner: Spawner,
        settings: Mapping[str, str],
        log: ServerLog,
        lock: int,
    ) -> Self:
        """Start it, with the server lock handed down to it and to all its processes."""
        data = home.state / "data"
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        process = spawner.spawn(
            [home.binaries.postgres, "-D", data, *options],
            identity=home.identity,
            folder=home.state,
            death_signal=_FAST,
            output=log.stream,
            keep_open=[lock],
        )
        return cls(process, data, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self, deadline: float) -> None:
        """Raises EmbeddedPostgresError, with the end of the log, when it ends or takes too long."""
        while not is_ready(self._data, self.pid):
            if (code := self._process.poll()) is not None:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start (status {code}); the end of {self._log.path}:\n"
                    f"{self._log.tail()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    "PostgreSQL was not ready in time; give start() a longer timeout if it is "
                    f"recovering. The end of {self._log.path}:\n{self._log.tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, timeout: float) -> None:
        """Fast shutdown; after `timeout` seconds an immediate one, and at last SIGKILL."""
        for request, seconds in ((_FAST, timeout), (_IMMEDIATE, _LAST_RESORT_SECONDS)):
            self._process.send_signal(request)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        self._process.kill()
        self._process.wait()
