"""One PostgreSQL, one owner process, one folder."""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self

from adapters.postgres.embedded.cluster import clear_stale_files, ensure_cluster
from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.locks import OwnerLock, server_lock
from adapters.postgres.embedded.log import open_log
from adapters.postgres.embedded.postmaster import Postmaster
from adapters.postgres.embedded.residence import Residence, RunAs, choose_residence, key_of
from adapters.postgres.embedded.settings import check, settings_of
from adapters.postgres.embedded.sockets import dsn, leave, socket_folder
from adapters.postgres.embedded.spawner import Spawner

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_STATE_HOME = Path("/var/lib/obelisk")


class EmbeddedPostgres:
    """A PostgreSQL on a unix socket, owned by this process and gone with it.

    The superuser is `postgres`, trusted, because only the folder's owner can reach the socket.
    The server shuts down cleanly when this process ends in any way, `kill -9` included (Linux).
    """

    def __init__(
        self,
        root: Path,
        *,
        settings: Mapping[str, str] = _NO_SETTINGS,
        run_as: RunAs = "automatic",
        state_home: Path = _STATE_HOME,
    ) -> None:
        """Keep everything below `root`, which need not exist yet.

        `settings` are server settings by name. `run_as` and `state_home` matter to root alone:
        see `choose_residence`.
        """
        self._root = root
        self._settings = dict(settings)
        self._run_as: RunAs = run_as
        self._state_home = state_home
        self._running: _Running | None = None

    def start(self, timeout: float = 60.0) -> None:
        """Return when the server accepts connections; the first start creates the database.

        Raises EmbeddedPostgresError after `timeout` seconds, or when it cannot work here;
        nothing is left running then.
        """
        if self._running is not None:
            raise EmbeddedPostgresError(f"the server in {self._root} has been started already")
        check(self._settings)
        root = _absolute(self._root)
        with ExitStack() as undo:
            try:
                running = self._start(root, undo, time.monotonic() + timeout)
            except OSError as error:
                raise EmbeddedPostgresError(f"cannot use {root} for PostgreSQL: {error}") from error
            running.release = undo.pop_all()
            self._running = running

    def stop(self, timeout: float = 30.0) -> None:
        """End sessions, write everything down, return when the server has gone. Idempotent.

        After `timeout` seconds it is stopped at once and recovers on its next start.
        """
        running = self._running
        # A forked child has a copy of this object, and no right to the server.
        if running is None or running.owner != os.getpid():
            return
        self._running = None
        with running.release:
            running.postmaster.stop(timeout)

    @property
    def dsn(self) -> str:
        """A URI for the superuser on the database `postgres`."""
        return self.dsn_for("postgres", "postgres")

    def dsn_for(self, user: str, database: str) -> str:
        """A libpq URI for a user and a database. Raises EmbeddedPostgresError unless started."""
        return dsn(self._started().sockets, user, database)

    @property
    def pid(self) -> int:
        """The process id of the server. Raises EmbeddedPostgresError unless started."""
        return self._started().postmaster.pid

    @property
    def runs_as(self) -> Literal["self", "namespace", "account"]:
        """How the server's identity was chosen: see `choose_residence`."""
        return self._started().home.identity.kind

    @property
    def data_directory(self) -> Path:
        """Where the server keeps its files."""
        return self._started().home.state / "data"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _started(self) -> "_Running":
        if self._running is None:
            raise EmbeddedPostgresError(f"the server in {self._root} is not started")
        return self._running

    def _start(self, root: Path, undo: ExitStack, deadline: float) -> "_Running":
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        undo.callback(OwnerLock(root / "owner.lock").release)
        spawner = Spawner()
        undo.callback(spawner.close)
        home = choose_residence(root, spawner, self._run_as, self._state_home)
        lock = server_lock(home.state / "server.lock", home.state / "data/postmaster.pid", deadline)
        with ExitStack() as once:
            # The server's own copy keeps the lock; ours would keep it from the next start.
            once.callback(os.close, lock)
            data = ensure_cluster(home, spawner, lock, deadline)
            sockets = socket_folder(home.state, key_of(root), home.identity)
            undo.callback(leave, sockets, home.state)
            clear_stale_files(data, sockets)
            log = open_log(root / "postgres.log")
            once.callback(log.stream.close)
            settings = settings_of(self._settings, sockets)
            postmaster = Postmaster.launch(home, spawner, settings, log, lock)
        undo.callback(postmaster.stop, 5.0)
        postmaster.wait_until_ready(deadline)
        return _Running(home, sockets, postmaster)


class _Running:
    """What a started server holds; `release` gives back its locks and its thread."""

    def __init__(self, home: Residence, sockets: Path, postmaster: Postmaster) -> None:
        self.owner = os.getpid()
        self.home = home
        self.sockets = sockets
        self.postmaster = postmaster
        self.release = ExitStack()


def _absolute(root: Path) -> Path:
    path = root.expanduser().resolve()
    if not all(ord(character) >= 32 for character in str(path)):
        raise EmbeddedPostgresError(f"the path {str(path)!r} has control characters; use another")
    return path
