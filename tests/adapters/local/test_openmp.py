"""The chat model on a machine that lacks a library which llama.cpp's build is linked to.

An empty file of the library's name, first on the loader's path, is such a machine to a new process:
the loader takes it for the library, finds it too short, and looks no further.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.local.weights import packaged_chat_model

PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from adapters.local.chat import LlamaChatModel
from domain.agents.chat import ChatMessage, ChatRequest, Role
from domain.errors import Unavailable

async def main():
    model = LlamaChatModel(Path(sys.argv[1]), name="m", context_tokens=512)
    message = ChatMessage(role=Role.USER, content="Hello.")
    request = ChatRequest(messages=(message,), temperature=0.0, max_tokens=3)
    try:
        *_, last = [chunk async for chunk in model.stream(request)]
    except Unavailable as error:
        print(error.reason, error.message)
    else:
        print(last.completion_tokens, "tokens")
        print(Path(f"/proc/{model.process_id}/maps").read_text(), flush=True)
    if "crash" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    await model.close()

asyncio.run(main())
"""


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A folder that the loader looks into before the system's."""
    folder = tmp_path / "libraries"
    folder.mkdir()
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def chat(libraries: Path, temporary: Path, *, ending: str = "return") -> str:
    """What the program prints: the answer's length and the child's memory map, or the error."""
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(packaged_chat_model()), ending],
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "TMPDIR": str(temporary),
            "LD_LIBRARY_PATH": str(libraries),
        },
        timeout=60,
    )
    assert program.stderr == b""
    return program.stdout.decode()


def loaded_libgomp(said: str) -> Path:
    answer, _, maps = said.partition("\n")
    assert answer == "3 tokens"
    (path,) = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "libgomp" in line}
    return Path(path)


def test_without_libgomp_the_copy_in_a_wheel_is_loaded(libraries: Path, temporary: Path) -> None:
    (libraries / "libgomp.so.1").touch()
    assert loaded_libgomp(chat(libraries, temporary)).parent.name == "treelite.libs"
    assert list(temporary.iterdir()) == []


def test_a_system_that_has_libgomp_uses_its_own(libraries: Path, temporary: Path) -> None:
    files = importlib.metadata.files("treelite") or ()
    (copy,) = [file.locate() for file in files if file.name.startswith("libgomp")]
    shutil.copy(str(copy), libraries / "libgomp.so.1")
    assert loaded_libgomp(chat(libraries, temporary)).parent == libraries


def test_the_link_to_the_copy_goes_when_the_parent_crashes(
    libraries: Path, temporary: Path
) -> None:
    (libraries / "libgomp.so.1").touch()
    began = time.monotonic()
    chat(libraries, temporary, ending="crash")
    while list(temporary.iterdir()):
        assert time.monotonic() - began < 10
        time.sleep(0.02)


def test_a_library_that_is_missing_is_named_in_the_error(libraries: Path, temporary: Path) -> None:
    (libraries / "libstdc++.so.6").touch()
    said = chat(libraries, temporary)
    assert said.startswith("MODEL_UNAVAILABLE llama.cpp could not be loaded: ")
    assert "libstdc++.so.6" in said
