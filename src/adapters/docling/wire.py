"""A document's structure as plain JSON and back; what comes back is checked, never trusted."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence

from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    HiddenKind,
    HiddenText,
    Paragraph,
    Picture,
    Table,
)


class MalformedReply(Exception):
    """The child answered something that is no document structure."""


def structure_to_json(structure: DocumentStructure) -> dict[str, object]:
    return {
        "title": structure.title,
        "page_count": structure.page_count,
        "warnings": list(structure.warnings),
        "blocks": [_block_to_json(block) for block in structure.blocks],
        "language": structure.language,
        "hidden": [[found.kind.value, found.page, found.text] for found in structure.hidden],
    }


def structure_from_json(value: object) -> DocumentStructure:
    """Raises MalformedReply."""
    fields = _object(value)
    return DocumentStructure(
        title=_text(fields.get("title")),
        blocks=tuple(_block_from_json(item) for item in _array(fields.get("blocks"))),
        page_count=_integer(fields.get("page_count")),
        warnings=_texts(fields.get("warnings")),
        language=_text(fields.get("language")),
        hidden=tuple(_hidden_from_json(item) for item in _array(fields.get("hidden"))),
    )


def _block_to_json(block: Block) -> list[object]:
    match block:
        case Heading():
            return ["heading", block.page, block.text, block.level]
        case Paragraph():
            return ["paragraph", block.page, block.text]
        case BulletList():
            return ["list", block.page, list(block.items)]
        case Table():
            rows = [list(row) for row in block.rows]
            return ["table", block.page, list(block.header), rows, block.caption]
        case Picture():
            image = b64encode(block.image).decode("ascii")
            return ["picture", block.page, block.caption, list(block.size or ()), image]


def _block_from_json(value: object) -> Block:
    match _array(value):
        case ["heading", page, text, level]:
            return Heading(text=_text(text), level=_integer(level), page=_page(page))
        case ["paragraph", page, text]:
            return Paragraph(text=_text(text), page=_page(page))
        case ["list", page, items]:
            return BulletList(items=_texts(items), page=_page(page))
        case ["table", page, header, rows, caption]:
            return Table(
                header=_texts(header),
                rows=tuple(_texts(row) for row in _array(rows)),
                caption=_text(caption),
                page=_page(page),
            )
        case ["picture", page, caption, size, image]:
            return Picture(
                caption=_text(caption), page=_page(page), size=_size(size), image=_image(image)
            )
    raise MalformedReply("an unknown kind of block")


def _size(value: object) -> tuple[int, int] | None:
    match _array(value):
        case []:
            return None
        case [width, height]:
            return _integer(width), _integer(height)
    raise MalformedReply("a size has a width and a height")


def _image(value: object) -> bytes:
    """None, or a small JPEG: whoever sends anything else is not our own code any more."""
    try:
        image = b64decode(_text(value), validate=True)
    except (NotBase64, ValueError) as error:
        raise MalformedReply("expected base64") from error
    if image and (not image.startswith(_JPEG) or len(image) > _MOST_IMAGE_BYTES):
        raise MalformedReply("expected a small JPEG")
    return image


def _hidden_from_json(value: object) -> HiddenText:
    match _array(value):
        case [kind, page, str(text)] if text and kind in _HIDDEN_KINDS:
            return HiddenText(text=text, kind=HiddenKind(kind), page=_page(page))
    raise MalformedReply("a hidden text has a kind, a page and a text")


def _object(value: object) -> Mapping[object, object]:
    if not isinstance(value, dict):
        raise MalformedReply("expected an object")
    return value


def _array(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise MalformedReply("expected an array")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise MalformedReply("expected text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _array(value))


def _integer(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise MalformedReply("expected a number from 1")
    return value


def _page(value: object) -> int | None:
    return None if value is None else _integer(value)


_JPEG = b"\xff\xd8\xff"
_MOST_IMAGE_BYTES = 1024 * 1024
_HIDDEN_KINDS = frozenset(kind.value for kind in HiddenKind)
