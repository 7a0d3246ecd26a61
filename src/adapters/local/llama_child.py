"""The program of the child process that holds one GGUF model; see `llama_process`.

A process of its own, because loading a model keeps the interpreter's lock from beginning to end,
and because an assertion failing in native code would end the whole server.

Standard input brings one line of JSON (`ChildSettings`), and then nothing until the parent ends;
standard output answers one line, a `ChildAnswer`.
"""

import contextlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import NotRequired, TextIO, TypedDict


class ChildAnswer(TypedDict):
    """`library` and `model` each say, in llama.cpp's or the loader's words, why it did not load."""

    ready: bool
    library: NotRequired[str]
    model: NotRequired[str]


class ChildSettings(TypedDict):
    """`context_tokens` is for each of the `parallel` slots; `prompt_batch` in tokens."""

    path: str
    socket: str
    api_key: str
    context_tokens: int
    parallel: int
    threads: int
    prompt_threads: int
    prompt_batch: int
    prompt_cache_mib: int


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    _silence_standard_streams()
    settings: ChildSettings = json.loads(sys.stdin.readline())
    try:
        server = _load(settings)
    except ImportError as error:
        _answer(answers, {"ready": False, "library": str(error)})
        os._exit(1)
    except (RuntimeError, ValueError, OSError) as error:
        _answer(answers, {"ready": False, "model": str(error)})
        os._exit(1)
    _answer(answers, {"ready": True})
    _wait_for_the_parent_to_end()
    _remove(Path(settings["socket"]).parent)
    del server, answers
    os._exit(0)


def _silence_standard_streams() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _answer(answers: TextIO, answer: ChildAnswer) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _load(settings: ChildSettings) -> object:
    import xllamacpp  # type: ignore[import-untyped]  # publishes no types

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.n_ctx = settings["context_tokens"] * settings["parallel"]
    params.n_parallel = settings["parallel"]
    # Small batches: a prompt that nobody waits for any more is given up between two of them.
    params.n_batch = params.n_ubatch = settings["prompt_batch"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["prompt_threads"]
    params.cache_ram_mib = settings["prompt_cache_mib"]
    params.fit_params = params.ctx_shift = params.prefill_assistant = False
    params.enable_reasoning = 0
    params.offline = True
    params.verbosity = -1
    params.ui = params.endpoint_slots = False
    params.api_keys = [settings["api_key"]]
    params.hostnames = [settings["socket"]]
    return xllamacpp.Server(params)


def _wait_for_the_parent_to_end() -> None:
    parent = os.getppid()
    # The parent number is watched too: a sibling may have inherited the other end of the pipe.
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable and not os.read(0, 1):
            return


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()


if __name__ == "__main__":
    main()
