"""Markdown with elements of HTML in it is read as the page that it stands for."""

import pytest

from adapters.docling.markdown_page import page_of


def test_elements_between_paragraphs_are_rendered() -> None:
    page = page_of("# A\n\n<figure>\n<figcaption>Lamp</figcaption>\n</figure>\n\n| a |\n|---|\n")

    assert page is not None
    assert b"<h1>A</h1>" in page
    assert b"<figcaption>Lamp</figcaption>" in page
    assert b"<table>" in page


@pytest.mark.parametrize(
    "text",
    [
        "# A\n\nx < y and <b>bold</b>\n",
        "```html\n<div>code</div>\n```\n",
        "<https://a.example>\n",
        "",
    ],
)
def test_text_without_them_is_left_to_the_reader_of_markdown(text: str) -> None:
    assert page_of(text) is None
