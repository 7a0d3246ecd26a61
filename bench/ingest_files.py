"""The files that reading is measured on: the examples and those of other tools."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path

import pypdfium2

_ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = (_ROOT / "examples", _ROOT / "tests" / "fixtures" / "foreign" / "files")
_COPIES = 4
_MIXED = (".pdf", ".docx", ".pptx", ".xlsx", ".html", ".md", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`files` are read one by one, each a document of its own."""

    name: str
    suffix: str
    files: tuple[Path, ...]


def samples(folder: Path, pages: int) -> list[Sample]:
    """All formats; text-native PDFs of at least `pages` pages together are written to `folder`."""
    found = [path for place in _FOLDERS for path in sorted(place.rglob("*"))]
    pdfs = [path for path in found if path.suffix == ".pdf"]
    long = tuple(_long_pdfs(pdfs, folder, pages))
    others = [
        Sample(name=suffix, suffix=suffix, files=_many(found, suffix))
        for suffix in (".docx", ".pptx", ".xlsx", ".html", ".md", ".csv")
    ]
    return [
        Sample(name=".pdf, long", suffix=".pdf", files=long),
        Sample(name=".pdf, one alone", suffix=".pdf", files=long[:1]),
        Sample(name=".pdf, as they are", suffix=".pdf", files=tuple(pdfs)),
        *others,
    ]


def _many(found: Sequence[Path], suffix: str) -> tuple[Path, ...]:
    files = [path for path in found if path.suffix == suffix and "hostile" not in path.parts]
    return tuple(files * _COPIES)


def _long_pdfs(pdfs: Sequence[Path], folder: Path, pages: int) -> list[Path]:
    """Each kind of page about as often as the others, in documents of equal length."""
    written: list[Path] = []
    for number in range(_COPIES):
        whole = pypdfium2.PdfDocument.new()
        while len(whole) < pages // _COPIES:
            for path in pdfs:
                source = pypdfium2.PdfDocument(path)
                whole.import_pages(source)
                source.close()
        out = BytesIO()
        whole.save(out)
        whole.close()
        written.append(folder / f"long-{number}.pdf")
        written[-1].write_bytes(out.getvalue())
    return written


def mixed(count: int) -> list[tuple[str, bytes]]:
    """So many documents of all formats by turns, each of a name of its own."""
    found = [path for place in _FOLDERS for path in sorted(place.rglob("*")) if _is_plain(path)]
    by_suffix = {suffix: [p for p in found if p.suffix == suffix] for suffix in _MIXED}
    turns = islice(zip(*(cycle(paths) for paths in by_suffix.values()), strict=False), count)
    paths = islice((path for turn in turns for path in turn), count)
    return [(f"{number:03}-{path.name}", path.read_bytes()) for number, path in enumerate(paths)]


def _is_plain(path: Path) -> bool:
    return path.suffix in _MIXED and "hostile" not in path.parts
