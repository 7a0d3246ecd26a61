"""Pictures within the text of web pages and of Markdown are looked at like any others."""

from base64 import b64encode
from io import BytesIO
from urllib.parse import quote

import pytest
from PIL import Image

from adapters.docling.reading import DoclingReader
from domain.documents.converted_text import converted_text
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, Picture
from fixtures.photos import CAT, COFFEE, ROCKET, plain
from fixtures.strange_pictures import gigapixels

_WORDS = "<p>" + "Lamps for every desk, made to be mended. " * 8 + "</p>"
_DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@pytest.fixture(scope="module")
def reader() -> DoclingReader:
    return DoclingReader()


def address(picture: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"


def page(reader: DoclingReader, html: str, name: str = "a.html") -> DocumentStructure:
    return reader.read(name, MediaType.HTML, f"<html><body>{html}</body></html>".encode())


def pictures(structure: DocumentStructure) -> list[Picture]:
    return [block for block in structure.blocks if isinstance(block, Picture)]


def shows(picture: Picture, photo: bytes) -> bool:
    sides = [
        Image.open(BytesIO(one)).convert("L").resize((16, 16)).tobytes()
        for one in (picture.image, photo)
    ]
    one, other = sides
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) < 12 * 256


@pytest.mark.parametrize("name", ["a.html", "https://shop.example/lamps"])
def test_pictures_in_a_page_show_what_they_show(reader: DoclingReader, name: str) -> None:
    html = (
        f"<article><h1>Lamps</h1>{_WORDS}<img alt='A cat' src=\"{address(CAT)}\">{_WORDS}"
        f"<p>x <img class=b alt='Cup' src='{address(COFFEE)}'></p><img src='a.png' alt='Far'>"
        "</article>"
    )
    found = pictures(page(reader, html, name))
    cat, cup = found[:2]
    assert (cat.caption, shows(cat, CAT)) == ("A cat", True)
    assert (cup.caption, shows(cup, COFFEE)) == ("Cup", True)
    assert not any(picture.image for picture in found[2:])


@pytest.mark.parametrize(
    "src",
    [
        address(CAT),
        "Data:Image/JPEG;Base64," + b64encode(CAT).decode(),
        "data:image/jpeg;base64," + quote(b64encode(CAT).decode(), safe=""),
        "data:image/jpeg;charset=utf-8;base64,\n " + "\n".join(b64encode(CAT).decode().split("A")),
    ],
    ids=["plain", "letters", "percent", "lines"],
)
def test_addresses_are_written_in_several_ways(reader: DoclingReader, src: str) -> None:
    src = src if "\n" not in src else src.replace("\n", "A\n").replace(",A\n", ",\n", 1)
    (picture,) = pictures(page(reader, f'{_WORDS}<img src="{src}">'))
    assert shows(picture, CAT)


def test_pictures_in_markdown_show_what_they_show(reader: DoclingReader) -> None:
    text = (
        f"# Lamps\n\nSome words.\n\n![A cat]({address(CAT)})\n\nMore.\n\n![Cup][cup]\n\n"
        f"<figure><img src='{address(ROCKET)}'></figure>\n\n[cup]: {address(COFFEE)}\n"
    )
    structure = reader.read("a.md", MediaType.MARKDOWN, text.encode())
    cat, cup, rocket = pictures(structure)
    assert (cat.caption, shows(cat, CAT)) == ("A cat", True)
    assert (cup.caption, shows(cup, COFFEE)) == ("Cup", True)
    assert shows(rocket, ROCKET)
    assert "Some words." in converted_text(structure)
    assert structure.warnings == ()


@pytest.mark.parametrize(
    ("src", "why"),
    [
        ("data:image/png;base64,@@not base64@@", "damaged or were cut off"),
        ("data:image/png;base64,iVBORw0KGgo", "damaged"),
        ("data:image/png,plain", "damaged or were cut off"),
        ("data:image/png;base64," + b64encode(b"no picture").decode(), "none of PNG"),
        (address(gigapixels(), "png"), "too many pixels"),
    ],
    ids=["no base64", "cut", "not said to be", "no picture", "vast"],
)
def test_a_broken_one_is_told_and_costs_nothing_else(
    reader: DoclingReader, src: str, why: str
) -> None:
    for structure in (
        page(reader, f"{_WORDS}<img src='{src}' alt='Lost'><img src='{address(CAT)}'>"),
        reader.read(
            "a.md", MediaType.MARKDOWN, f"Lamps.\n\n![L](<{src}>)\n\n![C]({address(CAT)})".encode()
        ),
    ):
        (warning,) = structure.warnings
        assert why in warning
        assert ": picture 1" in warning
        lost, cat = pictures(structure)
        assert lost.image == b""
        assert shows(cat, CAT)


def test_dots_and_drawings_are_ornaments(reader: DoclingReader) -> None:
    drawn = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'></svg>"
    html = (
        f'{_WORDS}<img src="{_DOT}"><img src="{drawn}"><img src="{address(plain("red"), "png")}">'
    )
    structure = page(reader, html)
    assert not any(picture.image for picture in pictures(structure))
    assert structure.warnings == ()


def test_a_flood_of_pictures_has_the_limits_of_any_document(reader: DoclingReader) -> None:
    html = "".join(
        f"<p>Words {n}</p><img src='{address(COFFEE + bytes([n // 256, n % 256]))}'>"
        for n in range(230)
    )
    structure = page(reader, html)
    shown = {picture.image for picture in pictures(structure) if picture.image}
    assert len(shown) <= 200
    assert "Words 229" in converted_text(structure)


def test_a_flood_of_dots_is_cut_and_told(reader: DoclingReader) -> None:
    structure = page(reader, _WORDS + f"<img src='{_DOT}'>" * 1_500)
    assert structure.warnings == ("the last 500 of 1,500 pictures were left out",)


def test_a_page_cannot_name_a_picture_that_it_does_not_hold(reader: DoclingReader) -> None:
    structure = page(reader, f"{_WORDS}<img src='https://picture.invalid/0.png' alt='None'>")
    (picture,) = pictures(structure)
    assert picture.image == b""
