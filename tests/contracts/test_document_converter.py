"""What every DocumentConverter promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.docling import DoclingConverter
from adapters.memory.plain_text_converter import PlainTextConverter
from application.ports.document_converter import DocumentConverter
from domain.documents.document import DocumentNotFound, DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import BulletList, Heading, Paragraph, Table

_GUIDE = b"""# Brand guide

We are warm
and exact.

## Voice

- Plain
- Short
  - Very short

| Say | Not |
|---|---|
| owners | users |
"""


@pytest.fixture(scope="module", params=["docling", "plain text"])
async def converter(request: pytest.FixtureRequest) -> AsyncIterator[DocumentConverter]:
    if request.param == "plain text":
        yield PlainTextConverter()
        return
    docling = DoclingConverter()
    yield docling
    await docling.close()


async def test_markdown_becomes_blocks_in_reading_order(converter: DocumentConverter) -> None:
    structure = await converter.convert(
        filename="guide.md", media_type=MediaType.MARKDOWN, content=_GUIDE
    )

    assert structure.title == "Brand guide"
    assert structure.page_count == 1
    assert structure.blocks == (
        Heading(text="Brand guide", level=1),
        Paragraph(text="We are warm and exact."),
        Heading(text="Voice", level=2),
        BulletList(items=("Plain", "Short", "  Very short")),
        Table(header=("Say", "Not"), rows=(("owners", "users"),)),
    )


async def test_plain_text_is_named_after_its_file(converter: DocumentConverter) -> None:
    structure = await converter.convert(
        filename="notes.txt", media_type=MediaType.TEXT, content=b"First.\n\n# *Second* <b>\n1) x"
    )

    assert structure.title == "notes"
    assert structure.blocks == (
        Paragraph(text="First."),
        Paragraph(text="# *Second* <b>\n1) x"),
    )


@pytest.mark.parametrize("mark", [",", ";"])
async def test_csv_becomes_one_table(converter: DocumentConverter, mark: str) -> None:
    text = f"Plan{mark}Price\nBasic{mark}9\n\nPro\n"
    structure = await converter.convert(
        filename="plans.csv", media_type=MediaType.CSV, content=text.encode()
    )

    assert structure.blocks == (
        Table(header=("Plan", "Price"), rows=(("Basic", "9"), ("Pro", ""))),
    )


@pytest.mark.parametrize("media_type", [MediaType.MARKDOWN, MediaType.TEXT, MediaType.CSV])
async def test_a_file_without_text_is_unreadable(
    converter: DocumentConverter, media_type: MediaType
) -> None:
    with pytest.raises(DocumentUnreadable, match="no text"):
        await converter.convert(filename="a", media_type=media_type, content=b" \n ")


@pytest.mark.parametrize(
    "media_type", [MediaType.PDF, MediaType.DOCX, MediaType.PPTX, MediaType.XLSX]
)
async def test_a_file_that_is_something_else_is_unreadable_and_the_next_one_works(
    converter: DocumentConverter, media_type: MediaType
) -> None:
    with pytest.raises(DocumentUnreadable) as raised:
        await converter.convert(filename="a", media_type=media_type, content=b"not this")
    assert raised.value.field == "content"
    structure = await converter.convert(
        filename="b.md", media_type=MediaType.MARKDOWN, content=b"# Next"
    )
    assert structure.title == "Next"


async def test_progress_ends_with_all_pages(converter: DocumentConverter) -> None:
    told: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        told.append((done, total))

    await converter.convert(
        filename="a.md", media_type=MediaType.MARKDOWN, content=_GUIDE, progress=progress
    )
    assert told == [(1, 1)]


async def test_what_progress_raises_ends_the_conversion_and_the_next_one_works(
    converter: DocumentConverter,
) -> None:
    async def progress(done: int, total: int) -> None:
        raise DocumentNotFound

    with pytest.raises(DocumentNotFound):
        await converter.convert(
            filename="a.md", media_type=MediaType.MARKDOWN, content=_GUIDE, progress=progress
        )
    structure = await converter.convert(
        filename="b.md", media_type=MediaType.MARKDOWN, content=b"# Next"
    )
    assert structure.title == "Next"


async def test_conversions_at_the_same_time_do_not_mix(converter: DocumentConverter) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                converter.convert(
                    filename=f"{i}.md",
                    media_type=MediaType.MARKDOWN,
                    content=f"# Title {i}".encode(),
                )
            )
            for i in range(8)
        ]
    assert [task.result().title for task in tasks] == [f"Title {i}" for i in range(8)]
