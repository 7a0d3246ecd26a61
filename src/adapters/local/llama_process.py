"""Owns the child process that decodes, and the private socket that leads to it."""

import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from adapters.local.llama_child import ChildAnswer, ChildSettings
from adapters.local.openmp import environment_with_openmp
from domain.agents.chat import ModelUnavailable

# A socket's path has room for about a hundred bytes.
_LONGEST_SOCKET_PATH = 100
# What a child said of itself is quoted up to here.
_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaSettings:
    """How a GGUF model is run; `context_tokens` is for each of the `parallel` slots.

    `prompt_batch` tokens are read between two looks at whether anybody still waits: 32 take 0.2 s
    with 135M parameters on one core. Giving up may take two batches, so large models want fewer.
    """

    path: Path
    context_tokens: int
    parallel: int
    threads: int
    prompt_threads: int
    prompt_batch: int = 32
    prompt_cache_mib: int = 128


class LlamaProcess:
    """One child process; started once, never restarted: take a new one instead."""

    def __init__(self, settings: LlamaSettings) -> None:
        self.api_key = secrets.token_hex(32)
        self._settings = settings
        self.socket = _private_folder() / "llama.sock"
        self._child = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("llama_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment_with_openmp(self.socket.parent),
            start_new_session=True,
        )
        # Also runs when the interpreter ends, so that an owner who forgot leaves nothing behind.
        self._end = weakref.finalize(self, _end, self._child, self.socket.parent)

    @property
    def alive(self) -> bool:
        return self._end.alive and self._child.poll() is None

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_until_loaded(self) -> None:
        """Block until the model answers; `close` from another thread ends the wait.

        Raises:
            Unavailable: llama.cpp or the file cannot be loaded (reason MODEL_UNAVAILABLE).
        """
        answer = self._answer()
        if answer is None or not answer["ready"]:
            self.close()
            raise ModelUnavailable(self._refusal(answer))

    def _answer(self) -> ChildAnswer | None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        line = b""
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.write(json.dumps(self._child_settings()).encode() + b"\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        # A child that was ended leaves no line, or half a one.
        answer: ChildAnswer | None = json.loads(line) if line.endswith(b"\n") else None
        return answer

    def _refusal(self, answer: ChildAnswer | None) -> str:
        if answer is not None and "library" in answer:
            return f"llama.cpp could not be loaded: {answer['library'][:_LONGEST_QUOTE]}"
        detail = (
            f"llama.cpp says: {answer.get('model', '')[:_LONGEST_QUOTE]}"
            if answer
            else "its process ended without a word"
        )
        return (
            f"the model file {self._settings.path.name} could not be loaded: it is damaged, of"
            " an architecture that this build does not know, or there is too little memory"
            f" ({detail})"
        )

    def close(self) -> None:
        """End the child within two seconds, and remove its socket. May be called twice."""
        self._end()

    def _child_settings(self) -> ChildSettings:
        settings = self._settings
        return {
            "path": str(settings.path),
            "socket": str(self.socket),
            "api_key": self.api_key,
            "context_tokens": settings.context_tokens,
            "parallel": settings.parallel,
            "threads": settings.threads,
            "prompt_threads": settings.prompt_threads,
            "prompt_batch": settings.prompt_batch,
            "prompt_cache_mib": settings.prompt_cache_mib,
        }


def _private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="obelisk-llama-"))
    if len(str(folder / "llama.sock").encode()) <= _LONGEST_SOCKET_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="obelisk-llama-", dir="/tmp"))


def _end(child: subprocess.Popen[bytes], folder: Path) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError, ValueError):
            if pipe:
                pipe.close()
    shutil.rmtree(folder, ignore_errors=True)
