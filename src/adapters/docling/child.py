"""The process that reads files: `python -m adapters.docling.child`, spoken to over its pipes.

It reads two frames a job: JSON, then the content. Where it reads documents, the JSON has `filename`
and `media_type`, and `"pictures": "no"` when none is to be looked at. While it reads, it may say
{"done": pages, "total": pages}, and {"looking": place} before a picture; it answers with one JSON
frame: {"structure": ...} or {"refused": message}, with its own `resident_bytes` beside, and
`"spent": true` when it is to read no more. It ends when its input does.
"""

import ctypes
import gc
import json
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from adapters.docling.frames import encode_json, read_frame
from adapters.docling.page_meter import PageMeter, TellPages
from adapters.docling.picture_formats import open_no_others
from adapters.docling.refusal import Refused
from adapters.docling.shrinking import TellPicture
from adapters.docling.wire import structure_to_json
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure

Read: TypeAlias = Callable[[dict[str, str], bytes, TellPages, TellPicture], DocumentStructure]

_PR_SET_PDEATHSIG = 1
# Whoever reads can wait; whoever asks a question cannot.
_NICE = 5
_FORBIDDEN_EVENTS = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
    }
)


def main() -> None:
    parent, memory_bytes, cpu_seconds = (int(argument) for argument in sys.argv[1:4])
    _die_with(parent)
    requests, replies = _private_pipes()
    logging.disable(logging.CRITICAL)
    read = _of_pictures() if sys.argv[4] == "pictures" else _of_documents(*sys.argv[5:6])
    open_no_others()
    # What docling brought is never garbage: collecting is for what a file leaves behind.
    gc.collect()
    gc.freeze()
    # Not before: on a busy machine somebody waits for the imports.
    _give_way()
    _confine(memory_bytes)
    _send(replies, {"ready": True})

    def tell(done: int, total: int) -> None:
        _send(replies, {"done": done, "total": total})

    def look(place: str) -> None:
        _send(replies, {"looking": place})

    while (header := read_frame(requests)) is not None:
        content = read_frame(requests)
        if content is None:
            return
        _allow_cpu(cpu_seconds)
        answer = _answer(read, header, content, PageMeter(tell), look)
        _send(replies, answer | {"resident_bytes": _resident_bytes()})
        del content


def _of_documents(*layout_models: str) -> Read:
    """What reads documents; with the folder of the layout models, with them too."""
    from adapters.docling.reading import DoclingReader, shrinker_of

    layout = None
    if layout_models:
        from adapters.docling.layout_reading import LayoutReader

        layout = LayoutReader(Path(layout_models[0]))
    reader = DoclingReader(layout)

    def read(
        job: dict[str, str], content: bytes, tell: TellPages, look: TellPicture
    ) -> DocumentStructure:
        media_type = MediaType(job["media_type"])
        with_pictures = job.get("pictures") != "no"
        shrinker = shrinker_of(media_type, tell=look, with_pictures=with_pictures)
        return reader.read(job["filename"], media_type, content, tell, shrinker)

    return read


def _of_pictures() -> Read:
    """What reads pictures alone, without all that documents need."""
    from adapters.docling.query_picture import shown_picture

    def read(
        _job: dict[str, str], content: bytes, _tell: TellPages, _look: TellPicture
    ) -> DocumentStructure:
        return DocumentStructure(title="", blocks=(shown_picture(content),))

    return read


def _answer(
    read: Read, header: bytes, content: bytes, tell: TellPages, look: TellPicture
) -> dict[str, object]:
    try:
        return {"structure": structure_to_json(read(json.loads(header), content, tell, look))}
    except Refused as refusal:
        return {"refused": refusal.message}
    except MemoryError:
        # What was taken comes back in pieces: the next file may not find room among them.
        refused = "the file needs more memory than one document may use; split it"
        return {"refused": refused, "spent": True}
    except RecursionError:
        return {"refused": "the file nests its parts too deeply to be read safely"}
    except Exception:  # noqa: BLE001 - whatever a parser throws at a broken file is a refusal
        return {"refused": "the file is damaged or not what its name promises"}


def _resident_bytes() -> int:
    if sys.platform != "linux":
        return 0
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _send(replies: BinaryIO, value: dict[str, object]) -> None:
    replies.write(encode_json(value))
    replies.flush()


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for the protocol; what libraries print goes nowhere."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return requests, replies


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _give_way() -> None:
    """The processor goes to others first, also where the system shares it out by session."""
    os.nice(_NICE)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")


def _confine(memory_bytes: int) -> None:
    """No more memory than this, no core dumps, no files written, no network, no programs."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sys.addaudithook(_refuse_to_leave)


def _refuse_to_leave(event: str, _arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN_EVENTS:
        raise PermissionError("reading a document needs no network and no other program")


def _allow_cpu(seconds: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(time.process_time()) + seconds + 1
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


if __name__ == "__main__":
    main()
