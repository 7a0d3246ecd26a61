"""The last look at every text of a document: what takes up no room is taken out and told."""

from dataclasses import replace

from domain.documents.language import language_of
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    HiddenText,
    Paragraph,
    Picture,
    Table,
)
from domain.documents.unseen import without_unseen

_LANGUAGE_CHARACTERS = 20_000


def seen(structure: DocumentStructure) -> DocumentStructure:
    """The structure without unseen characters, with what they hid, and with its language."""
    look, titled = _Look(), _Look()
    title = titled.text(structure.title, None)
    blocks = tuple(look.block(block) for block in structure.blocks)
    return replace(
        structure,
        title=title or structure.title,
        blocks=tuple(block for block in blocks if block is not None),
        hidden=tuple(dict.fromkeys((*structure.hidden, *look.found, *look.unknown(titled)))),
        language=structure.language or language_of(_sample(structure.blocks)),
    )


class _Look:
    def __init__(self) -> None:
        self.found: list[HiddenText] = []

    def text(self, text: str, page: int | None) -> str:
        if text.isascii():
            return text
        shown, hidden = without_unseen(text, page)
        self.found += hidden
        return shown

    def unknown(self, other: "_Look") -> list[HiddenText]:
        """What another look found that this one did not, wherever it stands."""
        known = {(found.kind, found.text) for found in self.found}
        return [found for found in other.found if (found.kind, found.text) not in known]

    def texts(self, texts: tuple[str, ...], page: int | None) -> tuple[str, ...]:
        if all(text.isascii() for text in texts):
            return texts
        return tuple(self.text(text, page) for text in texts)

    def block(self, block: Block) -> Block | None:
        """None when nothing of a paragraph or heading can be seen."""
        page = block.page
        match block:
            case Heading() | Paragraph():
                shown = self.text(block.text, page)
                return replace(block, text=shown) if shown.strip() else None
            case BulletList():
                return replace(block, items=self.texts(block.items, page))
            case Table():
                return replace(
                    block,
                    header=self.texts(block.header, page),
                    rows=tuple(self.texts(row, page) for row in block.rows),
                    caption=self.text(block.caption, page),
                )
            case Picture():
                return replace(block, caption=self.text(block.caption, page))


def _sample(blocks: tuple[Block, ...]) -> str:
    """The first words of the document, prose before the cells of tables."""
    texts: list[str] = []
    for block in blocks:
        match block:
            case Heading() | Paragraph():
                texts.append(block.text)
            case BulletList():
                texts += block.items
            case Picture():
                texts.append(block.caption)
            case Table():
                texts += [cell for row in block.rows[:20] for cell in row]
        if sum(map(len, texts)) > _LANGUAGE_CHARACTERS:
            break
    return "\n".join(texts)
