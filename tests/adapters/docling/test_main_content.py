"""Pages of the web are read without what stands around their content."""

import pytest

from adapters.docling import DoclingConverter
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import (
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)

_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Our lamps | Shop</title></head><body>
<header><a href="/">Shop</a></header>
<nav><ul><li><a href="/a">Chairs</a></li><li><a href="/b">Tables for sale</a></li></ul></nav>
<div class="cookie-consent">We use cookies. Accept all?</div>
<main><article><h1>Our lamps</h1>
<p>The lamp shines warmly for ten hours on one charge, and it folds flat, so it fits any bag.</p>
<h2>Prices</h2><p>These are the prices of our lamps as of this spring, with all taxes in them.</p>
<table><caption>Prices in <b>euros</b></caption>
<tr><th>Lamp</th><th>Price</th></tr><tr><td>Small</td><td>19</td></tr>
<tr><td>Large</td><td>39</td></tr></table>
<h2>Why it is liked</h2><ul><li>It is light<ul><li>Very light indeed</li></ul></li>
<li>It is warm</li></ul><img src="lamp.png" alt="The lamp on a desk">
<p>Last words about the lamp, which is <b>bold</b> and <a href="/x">linked</a>.</p>
</article></main>
<aside>Related: sign up to our newsletter and buy other lamps</aside>
<footer>Copyright 2026 Shop Limited</footer></body></html>"""


async def read(
    converter: DoclingConverter, html: str, filename: str = "https://shop.example/lamps"
) -> DocumentStructure:
    return await converter.convert(
        filename=filename, media_type=MediaType.HTML, content=html.encode()
    )


async def test_a_page_is_its_main_content(converter: DoclingConverter) -> None:
    structure = await read(converter, _PAGE)

    assert structure.title == "Our lamps | Shop"
    assert structure.blocks == (
        Heading(text="Our lamps", level=1),
        Paragraph(
            text="The lamp shines warmly for ten hours on one charge, and it folds flat, "
            "so it fits any bag."
        ),
        Heading(text="Prices", level=2),
        Paragraph(
            text="These are the prices of our lamps as of this spring, with all taxes in them."
        ),
        Table(
            header=("Lamp", "Price"),
            rows=(("Small", "19"), ("Large", "39")),
            caption="Prices in euros",
        ),
        Heading(text="Why it is liked", level=2),
        BulletList(items=("It is light", "  Very light indeed", "It is warm")),
        Picture(caption="The lamp on a desk"),
        Paragraph(text="Last words about the lamp, which is bold and linked."),
    )


async def test_an_uploaded_page_is_read_whole(converter: DoclingConverter) -> None:
    structure = await read(converter, _PAGE, "lamps.html")

    assert "newsletter" in str(structure.blocks)


async def test_a_page_that_says_little_is_read_whole(converter: DoclingConverter) -> None:
    structure = await read(converter, "<html><body><p>Opening hours: 9 to 5.</p></body></html>")

    assert structure.blocks == (Paragraph(text="Opening hours: 9 to 5."),)


@pytest.mark.parametrize(
    "html", ["<html></html>", "<html><body><script>x()</script></body></html>"]
)
async def test_a_page_without_words_is_refused(converter: DoclingConverter, html: str) -> None:
    with pytest.raises(DocumentUnreadable):
        await read(converter, html)


async def test_a_thousand_paragraphs_all_come(converter: DoclingConverter) -> None:
    said = [f"Paragraph number {n} says something of its own about lamp {n}." for n in range(1000)]
    html = "".join(f"<p>{text}</p>" for text in said)

    structure = await read(converter, f"<html><body><main>{html}</main></body></html>")

    assert [block.text for block in structure.blocks if isinstance(block, Paragraph)] == said
