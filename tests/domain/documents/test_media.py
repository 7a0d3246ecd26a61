"""Which kinds of file are read."""

import pytest

from domain.documents.document import (
    MAX_FILENAME_CHARACTERS,
    IngestState,
    checked_filename,
)
from domain.documents.media import (
    MediaType,
    MediaTypeMismatch,
    UnsupportedMediaType,
    check_suffix,
    media_type_of,
)
from domain.errors import InvalidInput

ZIP = b"PK\x03\x04rest"


@pytest.mark.parametrize(
    ("filename", "content", "expected"),
    [
        ("guide.md", b"# Guide", MediaType.MARKDOWN),
        ("GUIDE.MARKDOWN", b"# Guide", MediaType.MARKDOWN),
        ("notes.txt", b"", MediaType.TEXT),
        ("notes.txt", "Grüße".encode("utf-16"), MediaType.TEXT),
        ("lamp.png", b"\x89PNG\r\n\x1a\n...", MediaType.PNG),
        ("lamp.jpg", b"\xff\xd8\xff\xe0", MediaType.JPEG),
        ("LAMP.JPEG", b"\xff\xd8\xff\xe1", MediaType.JPEG),
        ("lamp.webp", b"RIFF\x0a\x00\x00\x00WEBPVP8 ", MediaType.WEBP),
        ("page.html", b"<p>", MediaType.HTML),
        ("page.htm", b"<p>", MediaType.HTML),
        ("prices.csv", "preis;€".encode(), MediaType.CSV),
        ("a.b.pdf", b"%PDF-1.7", MediaType.PDF),
        ("late.pdf", b"\n" * 1000 + b"%PDF-1.7", MediaType.PDF),
        ("guide.docx", ZIP, MediaType.DOCX),
        ("deck.pptx", ZIP, MediaType.PPTX),
        ("sheet.xlsx", ZIP, MediaType.XLSX),
    ],
)
def test_a_file_is_what_its_name_and_its_first_bytes_say(
    filename: str, content: bytes, expected: MediaType
) -> None:
    assert media_type_of(filename, content) is expected


@pytest.mark.parametrize("filename", ["run.exe", "archive.tar.gz", "noending", ".md", "md", "x."])
def test_a_name_that_promises_nothing_readable_is_refused(filename: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=r"\.docx") as refusal:
        check_suffix(filename)
    assert refusal.value.field == "filename"


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("guide.pdf", b"# Guide"),
        ("guide.pdf", b" " * 1024 + b"%PDF-"),
        ("guide.docx", b"%PDF-1.7"),
        ("guide.xlsx", b""),
        ("guide.md", b"MZ\x00\x01"),
        ("lamp.png", b"\xff\xd8\xff\xe0"),
        ("lamp.jpg", b"not a picture"),
        ("lamp.webp", b"RIFF\x0a\x00\x00\x00WAVE"),
        ("guide.csv", b"a;b\x00"),
        ("guide.html", ZIP + b"\x00"),
    ],
)
def test_content_that_breaks_the_promise_is_refused(filename: str, content: bytes) -> None:
    with pytest.raises(MediaTypeMismatch) as refusal:
        media_type_of(filename, content)
    assert refusal.value.field == "content"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("guide.md", "guide.md"),
        (" guide.md ", "guide.md"),
        ("C:\\Users\\me\\guide.md", "guide.md"),
        ("../../etc/guide.md", "guide.md"),
        ("Frühling 数.md", "Frühling 数.md"),
        ("x" * MAX_FILENAME_CHARACTERS, "x" * MAX_FILENAME_CHARACTERS),
    ],
)
def test_a_file_name_is_its_last_segment(given: str, name: str) -> None:
    assert checked_filename(given) == name


@pytest.mark.parametrize(
    "given",
    [
        "",
        "  ",
        ".",
        "..",
        "a/",
        "a/..",
        "a\x00b",
        "a\nb",
        "\u202edm.exe",
        "x" * (MAX_FILENAME_CHARACTERS + 1),
    ],
)
def test_a_file_name_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_filename(given)
    assert refusal.value.field == "filename"


def test_only_ready_and_failed_are_final() -> None:
    assert {s for s in IngestState if s.is_final} == {IngestState.READY, IngestState.FAILED}
