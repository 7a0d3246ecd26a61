"""Files that tools of others made convert with nothing lost: text, tables and headings."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.docling import DoclingConverter
from domain.documents.media import media_type_of
from domain.documents.structure import DocumentStructure
from fixtures.foreign_files import ForeignFile, faults, foreign_files

FILES = foreign_files()
MOST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """All of the files, and the wall time that one warm child took for them."""

    structures: dict[Path, DocumentStructure]
    seconds: float


@pytest.fixture(scope="module")
async def converted(converter: DoclingConverter) -> Converted:
    structures: dict[Path, DocumentStructure] = {}
    started = time.monotonic()
    for file in FILES:
        name, content = file.path.name, file.path.read_bytes()
        structures[file.path] = await converter.convert(
            filename=name, media_type=media_type_of(name, content), content=content
        )
    return Converted(structures=structures, seconds=time.monotonic() - started)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path.name)
async def test_nothing_of_a_foreign_file_is_lost(converted: Converted, file: ForeignFile) -> None:
    assert faults(converted.structures[file.path], file) == []


async def test_sixty_files_and_more_convert_within_a_minute(converted: Converted) -> None:
    assert len(FILES) >= 60
    assert converted.seconds < MOST_SECONDS
