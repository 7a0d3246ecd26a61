"""The child that reads is killed when it must be, and nothing of it is left."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import docx
import pytest

from adapters.docling import DoclingConverter, DoclingLimits
from adapters.docling.child_process import ChildLimits, ChildProcess
from adapters.docling.page_meter import PageMeter
from domain.documents.converted_text import converted_text
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import Picture
from domain.errors import Unavailable
from fixtures.pdf_files import paragraph, pdf
from fixtures.photos import CAT, COFFEE, ROCKET, plain
from fixtures.strange_pictures import gigapixels, with_pictures_swapped

_SLOW = b"Some words here and there.\n\n" * 40_000
_MIB = 1024 * 1024


async def read(converter: DoclingConverter, content: bytes = b"# Next") -> str:
    structure = await converter.convert(
        filename="a.md", media_type=MediaType.MARKDOWN, content=content
    )
    return structure.title


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
async def limited(request: pytest.FixtureRequest) -> AsyncIterator[DoclingConverter]:
    converter = DoclingConverter(limits=request.param)
    yield converter
    await converter.close()


@pytest.mark.parametrize("limited", [DoclingLimits(deadline_seconds=1.0)], indirect=True)
async def test_a_file_that_hangs_or_is_given_up_is_killed_and_the_next_one_works(
    limited: DoclingConverter,
) -> None:
    with pytest.raises(DocumentUnreadable, match="took too long"):
        await read(limited, _SLOW)
    assert await read(limited) == "Next"

    work = asyncio.create_task(read(limited, _SLOW))
    await asyncio.sleep(0.2)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await read(limited) == "Next"


@pytest.mark.parametrize("limited", [DoclingLimits(start_seconds=0.01)], indirect=True)
async def test_a_file_is_not_to_blame_for_a_machine_too_busy_to_begin(
    limited: DoclingConverter,
) -> None:
    with pytest.raises(Unavailable, match="too busy"):
        await read(limited)


@pytest.mark.parametrize("limited", [DoclingLimits(cpu_seconds=1)], indirect=True)
async def test_a_file_that_burns_the_processor_is_stopped(limited: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable, match="took too long"):
        await read(limited, _SLOW)
    assert await read(limited) == "Next"


@pytest.mark.parametrize("limited", [DoclingLimits(memory_bytes=640 * _MIB)], indirect=True)
async def test_a_file_that_eats_memory_fails_alone(limited: DoclingConverter) -> None:
    with pytest.raises(DocumentUnreadable):
        await read(limited, b"<p>word\n\n" * 4_000_000)
    assert await read(limited) == "Next"


@pytest.mark.parametrize("limited", [DoclingLimits()], indirect=True)
async def test_a_child_that_somebody_kills_is_replaced_once_and_the_file_is_read_all_the_same(
    limited: DoclingConverter,
) -> None:
    given_up = asyncio.create_task(read(limited))
    await _kill_readers(limited, given_up, times=2)
    with pytest.raises(DocumentUnreadable, match="could not be read"):
        await given_up
    work = asyncio.create_task(read(limited))
    await _kill_readers(limited, work, times=1)
    assert await work == "Next"


@pytest.mark.parametrize("limited", [DoclingLimits(cpu_seconds=1)], indirect=True)
async def test_pictures_that_burn_the_processor_cost_the_pictures_and_not_the_text(
    limited: DoclingConverter,
) -> None:
    made, out = docx.Document(), BytesIO()
    made.add_paragraph("Our prices")
    # Each takes half a second to unpack, and is another file to whoever compares them.
    for photo in (CAT, COFFEE, ROCKET, *map(plain, ("red", "green", "blue", "white", "black"))):
        made.add_picture(BytesIO(photo))
    made.save(out)
    heavy = [gigapixels(7_990) + bytes([n]) for n in range(8)]
    structure = await limited.convert(
        filename="a.docx",
        media_type=MediaType.DOCX,
        content=with_pictures_swapped(out.getvalue(), *heavy),
    )

    assert "Our prices" in converted_text(structure)
    assert not any(block.image for block in structure.blocks if isinstance(block, Picture))
    (warning,) = structure.warnings
    assert warning.startswith("no picture of this file was looked at: picture ")


@pytest.mark.parametrize("limited", [DoclingLimits()], indirect=True)
async def test_who_searches_by_a_picture_waits_for_no_document(limited: DoclingConverter) -> None:
    await read(limited)
    (of_documents,) = limited.child_pids
    work = asyncio.create_task(read(limited, _SLOW))
    await asyncio.sleep(0.1)
    assert await limited.small(CAT)
    assert not work.done()
    (of_pictures,) = set(limited.child_pids) - {of_documents}
    # It has imported nothing of what documents need.
    maps = Path(f"/proc/{of_pictures}/maps").read_text()
    assert not any(name in maps for name in ("numpy", "pdfium", "lxml"))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def _kill_readers(
    converter: DoclingConverter, work: asyncio.Task[str], *, times: int
) -> None:
    """Kill the children of a converter one after the other while it works."""
    killed: set[int] = set()
    while len(killed) < times:
        assert not work.done()
        for pid in set(converter.child_pids) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        await asyncio.sleep(0.01)


async def test_pages_are_told_while_a_long_pdf_is_read(converter: DoclingConverter) -> None:
    told: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        told.append((done, total))

    content = pdf(*[paragraph(60, 100, [f"What page {n} says of us."] * 40) for n in range(200)])
    await converter.convert(
        filename="long.pdf", media_type=MediaType.PDF, content=content, progress=progress
    )
    done = [one for one, _ in told]
    assert {total for _, total in told} == {200}
    assert len(done) > 1
    assert done == sorted(set(done))
    assert done[-1] == 200


def test_pages_are_told_a_quarter_of_a_second_apart_ever_more_and_not_the_last() -> None:
    told: list[tuple[int, int]] = []
    now = [0.0]
    meter = PageMeter(lambda done, total: told.append((done, total)), lambda: now[0])
    for seconds, done in ((0.1, 1), (0.3, 2), (0.4, 3), (0.6, 4), (0.9, 1), (1.2, 5), (1.5, 9)):
        now[0] = seconds
        meter(done, 9)
    assert told == [(2, 9), (4, 9), (5, 9)]


async def test_the_child_may_write_no_files_dump_no_core_and_knows_no_secrets() -> None:
    os.environ["A_SECRET_OF_THE_SERVER"] = "hush"
    try:
        child = await ChildProcess.spawn(ChildLimits(memory_bytes=1024 * _MIB, cpu_seconds=9))
        await child.ready()
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()
    finally:
        del os.environ["A_SECRET_OF_THE_SERVER"]
    by_name = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert by_name["Max file size"] == "0"
    assert by_name["Max core file size"] == "0"
    assert by_name["Max address space"] == str(1024 * _MIB)
    assert b"HF_HUB_OFFLINE=1" in environment
    assert b"hush" not in environment
    assert os.getsid(child.pid) == child.pid
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(os.nice(0) + 5, 19)
    await child.kill()
    assert not is_running(child.pid)


async def test_pictures_are_never_fetched(converter: DoclingConverter) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    page = f'<p>Text</p><img src="http://127.0.0.1:{port}/a.png" alt="A lamp">'
    for media_type in (MediaType.HTML, MediaType.MARKDOWN):
        content = page if media_type is MediaType.HTML else f"Text\n\n![A lamp]({page[21:50]})"
        await converter.convert(filename="a", media_type=media_type, content=content.encode())
    server.close()
    await server.wait_closed()
    assert asked == []


async def test_the_child_dies_with_its_parent() -> None:
    program = """
import asyncio
from adapters.docling.child_process import ChildLimits, ChildProcess
async def main():
    child = await ChildProcess.spawn(ChildLimits(memory_bytes=1 << 30, cpu_seconds=9))
    await child.ready()
    print(child.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert is_running(child)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    for _ in range(100):
        if not is_running(child):
            break
        await asyncio.sleep(0.05)
    assert not is_running(child)
