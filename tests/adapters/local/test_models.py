"""Models are fetched whole and verified, or not at all."""

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapters.local.catalogue import ModelEntry, read_catalogue
from adapters.local.models import pull_model
from domain.errors import Conflict, InvalidInput, NotFound, ObeliskError, Unavailable

CONTENT = b"GGUF" + bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass(slots=True)
class FileServer:
    """`cuts` are how many bytes go out before each next answer breaks off."""

    content: bytes = CONTENT
    ranges: bool = True
    status: int = 0
    gate: threading.Event | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    cuts: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        self.reached.set()
        if self.gate is not None:
            self.gate.wait(5)
        body = self.content[start:]
        status = self.status or (206 if start else 200)
        if start >= len(self.content):
            status, body = 416, b""
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        if status == 206:
            last = len(self.content) - 1
            handler.send_header("Content-Range", f"bytes {start}-{last}/{len(self.content)}")
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)
        handler.close_connection = True


@pytest.fixture
def files() -> Iterator[FileServer]:
    served = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/model.gguf")
                self.end_headers()
            else:
                served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}/model.gguf"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def entry(files: FileServer, sha256: str = SHA256) -> ModelEntry:
    return ModelEntry(name="tiny", url=files.url, sha256=sha256)


async def test_a_pulled_model_is_whole_and_progress_reaches_its_size(
    tmp_path: Path, files: FileServer
) -> None:
    told: list[tuple[int, int | None]] = []
    path = await pull_model(
        entry(files),
        target_dir=tmp_path / "models",
        progress=lambda done, total: told.append((done, total)),
    )
    assert path == tmp_path / "models" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == ["tiny.gguf"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


async def test_a_model_that_is_there_is_not_fetched_again(
    tmp_path: Path, files: FileServer
) -> None:
    await pull_model(entry(files), target_dir=tmp_path)
    await pull_model(entry(files), target_dir=tmp_path)
    assert len(files.asked) == 1


async def test_a_damaged_model_is_replaced(tmp_path: Path, files: FileServer) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[:-1])
    path = await pull_model(entry(files), target_dir=tmp_path)
    assert path.read_bytes() == CONTENT


async def test_a_broken_transfer_goes_on_where_it_broke(tmp_path: Path, files: FileServer) -> None:
    files.cuts = [2_000_000, 1_500_000]
    path = await pull_model(entry(files), target_dir=tmp_path)
    assert path.read_bytes() == CONTENT
    assert files.asked[0] is None
    assert all(asked and asked != "bytes=0-" for asked in files.asked[1:])


async def test_the_next_pull_goes_on_where_the_last_one_gave_up(
    tmp_path: Path, files: FileServer
) -> None:
    files.cuts = [1_200_000, 1_200_000, 1_200_000]
    with pytest.raises(Unavailable) as broken:
        await pull_model(entry(files), target_dir=tmp_path)
    assert broken.value.reason == "MODEL_DOWNLOAD_FAILED"
    assert not (tmp_path / "tiny.gguf").exists()
    path = await pull_model(entry(files), target_dir=tmp_path)
    assert path.read_bytes() == CONTENT
    assert files.asked[-1] not in (None, "bytes=0-")


async def test_a_server_without_ranges_is_asked_from_the_start(
    tmp_path: Path, files: FileServer
) -> None:
    files.ranges, files.cuts = False, [2_000_000]
    path = await pull_model(entry(files), target_dir=tmp_path)
    assert path.read_bytes() == CONTENT


async def test_a_whole_file_that_was_never_published_is_verified_and_taken(
    tmp_path: Path, files: FileServer
) -> None:
    (tmp_path / f".tiny.{SHA256[:16]}.part").write_bytes(CONTENT)
    assert (await pull_model(entry(files), target_dir=tmp_path)).read_bytes() == CONTENT


async def test_another_checksum_keeps_nothing(tmp_path: Path, files: FileServer) -> None:
    with pytest.raises(InvalidInput, match=SHA256) as refused:
        await pull_model(entry(files, sha256="0" * 64), target_dir=tmp_path)
    assert refused.value.reason == "MODEL_DOWNLOAD_REFUSED"
    assert list(tmp_path.iterdir()) == []


async def test_a_page_instead_of_a_model_is_refused_at_its_first_bytes(
    tmp_path: Path, files: FileServer
) -> None:
    files.content = b"<html>Please log in</html>" * 400_000
    told: list[int] = []
    with pytest.raises(InvalidInput, match="GGUF"):
        await pull_model(
            entry(files), target_dir=tmp_path, progress=lambda done, total: told.append(done)
        )
    assert told == [0]
    assert list(tmp_path.iterdir()) == []


async def test_redirects_are_followed(tmp_path: Path, files: FileServer) -> None:
    files.url = files.url.replace("model.gguf", "moved")
    assert (await pull_model(entry(files), target_dir=tmp_path)).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_refusing_server_is_told_by_its_status(
    tmp_path: Path, files: FileServer, status: int
) -> None:
    files.status = status
    with pytest.raises(Unavailable, match=str(status)):
        await pull_model(entry(files), target_dir=tmp_path)


async def test_an_address_that_nobody_serves_is_unavailable(tmp_path: Path) -> None:
    nowhere = ModelEntry(name="tiny", url="http://127.0.0.1:9/model.gguf", sha256=SHA256)
    with pytest.raises(Unavailable):
        await pull_model(nowhere, target_dir=tmp_path)


async def test_no_room_is_told_before_anything_is_written(
    tmp_path: Path, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("adapters.local.download.shutil.disk_usage", lambda path: usage)
    with pytest.raises(ObeliskError, match="MiB") as refused:
        await pull_model(entry(files), target_dir=tmp_path)
    assert refused.value.reason == "DISK_FULL"


async def test_two_pulls_of_one_model_do_not_write_one_file(
    tmp_path: Path, files: FileServer
) -> None:
    files.gate = threading.Event()
    first = asyncio.create_task(pull_model(entry(files), target_dir=tmp_path))
    assert await asyncio.to_thread(files.reached.wait, 5)
    with pytest.raises(Conflict):
        await pull_model(entry(files), target_dir=tmp_path)
    files.gate.set()
    assert (await first).read_bytes() == CONTENT


def test_the_catalogue_is_the_operators_own_file(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    assert read_catalogue(path).entries == {}
    path.write_text(f'[models.tiny]\nurl = "https://example.org/t.gguf"\nsha256 = "{SHA256}"\n')
    catalogue = read_catalogue(path)
    assert catalogue.find("tiny").sha256 == SHA256
    with pytest.raises(NotFound, match="known: tiny"):
        catalogue.find("other")


@pytest.mark.parametrize(
    "text",
    [
        "models = 1",
        "not toml",
        '[models.tiny]\nurl = "https://example.org/t.gguf"',
        f'[models.tiny]\nurl = "ftp://example.org/t.gguf"\nsha256 = "{SHA256}"',
        '[models.tiny]\nurl = "https://example.org/t.gguf"\nsha256 = "abc"',
        f'[models."../tiny"]\nurl = "https://example.org/t.gguf"\nsha256 = "{SHA256}"',
    ],
)
def test_a_malformed_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_catalogue(path)
    assert refused.value.reason == "INVALID_MODEL_ENTRY"
