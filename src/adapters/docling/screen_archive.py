"""Checks on Office files (zip archives of XML) before docling sees them."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from adapters.docling.refusal import Refused
from domain.documents.media import MediaType

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_ENTRIES = 10_000
MAX_NESTING = 3
MAX_SHEET_CELLS = 1_000_000
_READ_BYTES = 256 * 1024
_FOLDERS = {
    MediaType.DOCX: ("word/", "a Word document"),
    MediaType.PPTX: ("ppt/", "a PowerPoint presentation"),
    MediaType.XLSX: ("xl/", "an Excel workbook"),
}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
# Cells that hold something: spreadsheets keep millions of empty ones for their format alone.
_CELL = re.compile(
    rb'<(?:\w+:)?c\b[^<>]{0,200}?\br="([A-Z]{1,3})(\d{1,7})"[^<>]{0,200}(?<!/)>(?=<(?!/))'
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^<>]{0,200}?\bref="[A-Z]+\d+:([A-Z]{1,3})(\d{1,7})"')
_LONGEST_TAG = 512
_STRICT = b"http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"


def screen_archive(media_type: MediaType, content: bytes) -> None:
    """Raises Refused: damaged, protected, another kind of file, or too big once unpacked."""
    folder, name = _FOLDERS[media_type]
    if content.startswith(_OLD_OFFICE):
        raise Refused(
            "the file is protected with a password or in the old Office format; "
            "save it without a password in the current format and send it again"
        )
    entries = _Unpacking().check(content)
    if not any(entry.startswith(folder) for entry in entries):
        raise Refused(f"the file is not {name}, although it is named as one")


@dataclass(slots=True)
class _Unpacking:
    """Counts what really comes out of an archive and the archives inside it."""

    unpacked: int = 0
    entries: list[str] = field(default_factory=list)

    def check(self, content: bytes, nesting: int = 1) -> list[str]:
        if nesting > MAX_NESTING:
            raise Refused("the file packs archives into archives too deeply to be read safely")
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                infos = archive.infolist()
                self._claimed(infos)
                for info in infos:
                    self._entry(archive, info, nesting)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
            raise Refused(_DAMAGED) from error
        except (OSError, RuntimeError) as error:
            raise Refused(_DAMAGED) from error
        return self.entries

    def _claimed(self, infos: list[zipfile.ZipInfo]) -> None:
        if any(info.flag_bits & 1 for info in infos):
            raise Refused("the file is protected with a password; remove it and send it again")
        if len(infos) + len(self.entries) > MAX_ENTRIES:
            raise Refused(f"the file holds more than {MAX_ENTRIES:,} parts, which is too many")
        self.entries += [info.filename for info in infos]
        if self.unpacked + sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
            raise Refused(_TOO_BIG)

    def _entry(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, nesting: int) -> None:
        with archive.open(info) as part:
            head = part.read(_READ_BYTES)
            self._count(len(head))
            is_xml = info.filename.endswith((".xml", ".rels"))
            if is_xml and (b"<!DOCTYPE" in head or b"<!ENTITY" in head):
                raise Refused("the file defines its own entities, which Office files never do")
            if info.filename == "_rels/.rels" and _STRICT in head:
                raise Refused(
                    "the file is saved as Strict Open XML, which cannot be read; "
                    "save it in the ordinary format of its program and send it again"
                )
            kept = [head] if head.startswith(b"PK\x03\x04") else []
            while data := part.read(_READ_BYTES):
                self._count(len(data))
                if kept:
                    kept.append(data)
        if kept:
            self.check(b"".join(kept), nesting + 1)

    def _count(self, size: int) -> None:
        self.unpacked += size
        if self.unpacked > MAX_UNPACKED_BYTES:
            raise Refused(_TOO_BIG)


def screen_workbook(content: bytes) -> None:
    """Refuse a sheet whose used area is vast: reading it would take minutes.

    Raises Refused.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                rows, columns = _used_area(archive, name)
                if rows * columns > MAX_SHEET_CELLS:
                    raise Refused(
                        f"a sheet of the workbook uses the area up to row {rows:,}, column "
                        f"{columns:,} ({rows * columns:,} cells; at most {MAX_SHEET_CELLS:,} can "
                        "be read); delete stray values far from the data and send it again"
                    )


def _used_area(archive: zipfile.ZipFile, name: str) -> tuple[int, int]:
    rows = columns = 1
    for window in _windows(archive, name):
        for pattern in (_CELL, _MERGED):
            for letters, digits in pattern.findall(window):
                rows = max(rows, int(digits))
                columns = max(columns, _column_number(letters))
    return rows, columns


def _windows(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Parts of an entry that overlap, so that no tag is cut in all of them."""
    before = b""
    with archive.open(name) as part:
        while data := part.read(_READ_BYTES):
            yield before + data
            before = data[-_LONGEST_TAG:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


_DAMAGED = "the file is damaged or was cut off; open it, save it again and send it once more"
_TOO_BIG = (
    f"the file unpacks to more than {MAX_UNPACKED_BYTES // (1024 * 1024)} MB, "
    "which is too much to be read safely"
)
