"""What a converter makes of a file: blocks in reading order, free of the file's format."""

from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """`level` counts from 1 (the most important)."""

    text: str
    level: int
    page: int | None = None

    def __post_init__(self) -> None:
        if self.level < 1:
            raise ValueError(f"a heading's level counts from 1, not {self.level}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletList:
    """Items in order; nested lists are flattened, two spaces of indent a level."""

    items: tuple[str, ...]
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`header` may be empty; every row has as many cells as the widest row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture's words: its caption or alternative text, empty when it has none.

    `size` is its width and height in pixels where the file says it. `image` shows it, small, as a
    JPEG file of the converter's own making; empty where that is not known.
    """

    caption: str = ""
    page: int | None = None
    size: tuple[int, int] | None = None
    image: bytes = field(default=b"", repr=False)


class HiddenKind(Enum):
    """How a text was kept from the eye of a person who reads the document."""

    WHITE = "white"
    TINY = "tiny"
    OFF_PAGE = "off_page"
    COVERED = "covered"
    INVISIBLE = "invisible"
    COMMENT = "comment"
    ZERO_WIDTH = "zero_width"
    TAG_CHARACTERS = "tag_characters"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenText:
    """`text` is exactly what the file holds; a person decides what becomes of it."""

    text: str
    kind: HiddenKind
    page: int | None = None

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("a hidden text holds at least one character")


Block = Heading | Paragraph | BulletList | Table | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStructure:
    """`page_count` counts pages, slides or sheets; 1 for formats without any.

    `language` is an ISO 639-1 code, empty when it cannot be told. `hidden` texts are in no block.
    """

    title: str
    blocks: tuple[Block, ...]
    page_count: int = 1
    warnings: tuple[str, ...] = ()
    language: str = ""
    hidden: tuple[HiddenText, ...] = ()
