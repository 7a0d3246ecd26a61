"""What the child answers comes back as it was, and nothing else is believed."""

import pytest

from adapters.docling.wire import MalformedReply, structure_from_json, structure_to_json
from domain.documents.structure import (
    BulletList,
    DocumentStructure,
    Heading,
    HiddenKind,
    HiddenText,
    Paragraph,
    Picture,
    Table,
)
from fixtures.photos import CAT

_STRUCTURE = DocumentStructure(
    title="Guide",
    blocks=(
        Heading(text="Guide", level=1, page=1),
        Paragraph(text="Words"),
        BulletList(items=("a", "  b"), page=2),
        Table(header=("A",), rows=(("1",),), caption="C", page=2),
        Picture(caption="A lamp", page=3),
        Picture(page=3, size=(640, 480)),
        Picture(page=3, image=CAT),
    ),
    page_count=3,
    warnings=("page 2 is blank",),
    language="en",
    hidden=tuple(
        HiddenText(text=f"{kind.value}\u200b ", kind=kind, page=page)
        for kind in HiddenKind
        for page in (None, 2)
    ),
)


def test_a_structure_comes_back_as_it_was() -> None:
    assert structure_from_json(structure_to_json(_STRUCTURE)) == _STRUCTURE


@pytest.mark.parametrize("image", [None, 7, "no base64!", "Z2lm", "/9j/" + "A" * 2_000_000])
def test_an_image_that_is_no_small_jpeg_is_not_believed(image: object) -> None:
    reply = structure_to_json(_STRUCTURE) | {"blocks": [["picture", 1, "", [], image]]}
    with pytest.raises(MalformedReply):
        structure_from_json(reply)


@pytest.mark.parametrize(
    "hidden", [["white", 1], ["polite", 1, "a"], ["white", 0, "a"], ["white", 1, ""], "white", None]
)
def test_a_hidden_text_that_is_none_is_not_believed(hidden: object) -> None:
    reply = structure_to_json(_STRUCTURE) | {"hidden": [hidden]}
    with pytest.raises(MalformedReply):
        structure_from_json(reply)


def test_a_hidden_text_holds_something() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        HiddenText(text="", kind=HiddenKind.WHITE)
