"""What every reader of strangers' pictures keeps to, whichever it is."""

from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from PIL import Image

from adapters.docling import DoclingConverter
from adapters.memory.picture_reader import InProcessPictureReader
from application.ports.picture_reader import PictureReader
from domain.documents.document import DocumentUnreadable
from fixtures.photos import CAT, encoded


@pytest.fixture(scope="module")
async def child() -> AsyncIterator[PictureReader]:
    converter = DoclingConverter()
    yield converter
    await converter.close()


@pytest.fixture(params=["child", "in_process"])
def reader(request: pytest.FixtureRequest) -> PictureReader:
    if request.param == "in_process":
        return InProcessPictureReader()
    found: PictureReader = request.getfixturevalue("child")
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_of_any_of_our_formats_becomes_a_small_jpeg(
    reader: PictureReader, kind: str
) -> None:
    with Image.open(BytesIO(CAT)) as opened:
        large = encoded(opened.resize((1500, 1000)), kind)
    small = await reader.small(large)
    assert small != large
    with Image.open(BytesIO(small)) as made:
        assert (made.format, made.size) == ("JPEG", (512, 341))


@pytest.mark.parametrize("content", [b"", b"GIF89a and more", CAT[:300], b"%PDF-1.7"])
async def test_what_is_no_picture_is_refused(reader: PictureReader, content: bytes) -> None:
    with pytest.raises(DocumentUnreadable) as refused:
        await reader.small(content)
    assert "picture" in refused.value.message
