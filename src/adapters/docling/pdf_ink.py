"""The letters of a PDF page put together to words, apart those that nobody can see."""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.docling import pdf_calls as calls
from adapters.docling.pdf_geometry import Box, around
from adapters.docling.pdf_marks import MarkReader, Marks, TextStyle
from adapters.docling.pdf_page import PageInk
from adapters.docling.pdf_space import PageSpace
from adapters.docling.pdf_tags import tagged_tables
from adapters.docling.pdf_unseen import Sight
from adapters.docling.pdf_words import Word, is_right_to_left
from domain.documents.structure import HiddenKind

MIN_PICTURE_POINTS = 24.0
MAX_LETTERS = 200_000
_BACKGROUND_SHARE = 0.9
_ABOVE, _BELOW = 0.76, 0.21
_LEVEL_EMS, _RAISED_EMS, _WIDEST_EMS = 0.3, 0.6, 1.7
_NOTHING = frozenset({0, 9, 10, 13, 32, 0xA0, 0x2002, 0x2003, 0x2009, 0x3000})
_HYPHEN_AT_LINE_END = 2
_REPLACED, _LAST_LETTER = 0xFFFE, 0x10FFFF


@dataclass(slots=True)
class _Run:
    """Letters of one word while it is being read; `first` and `last` count the page's letters."""

    text: str
    style: TextStyle
    first: int
    last: int
    x: float
    y: float
    glued: bool


class InkReader:
    """Reads the pages of one document; its buffers serve one after another."""

    def __init__(self) -> None:
        # Of letters whose object was not looked at: taken for plain visible text.
        self._unknown = TextStyle(
            order=1 << 30,
            size=1.0,
            font="",
            bold=False,
            mode=0,
            colour=None,
            clip=None,
            upright=True,
        )
        self._marks = MarkReader()
        self._doubles = calls.Doubles.new()

    def ink(self, page: int, text_page: int, space: PageSpace) -> PageInk:
        marks = self._marks.marks(page, space)
        width, height = space.size
        sight = Sight.of(marks, width, height)
        words: list[Word] = []
        aside: list[Word] = []
        hidden: list[tuple[HiddenKind, Word]] = []
        read: set[int] = set()
        runs = list(self._runs(text_page, marks, space, read))
        copies = [style for item, style in marks.styles.items() if item not in read and style.box]
        for run in runs:
            ink = self._ink_of(text_page, run, space)
            word = _word(run, ink)
            kind = sight.hides(word.box, ink, run.style, word.size, len(word.text))
            if kind is not None and not _drawn_again(word, copies, sight):
                hidden.append((kind, word))
            elif run.style.upright:
                words.append(word)
            else:
                aside.append(word)
        tables, free = tagged_tables(page, words)
        return PageInk(
            words=free,
            tables=tables,
            rules=marks.rules,
            pictures=_pictures(marks, width * height, has_words=bool(words)),
            vast=marks.vast,
            aside=aside,
            hidden=_shown_nowhere(hidden, words),
            sizeless=marks.sizeless,
            is_scan=sight.has_scan,
            is_cut=marks.is_cut,
        )

    def _runs(
        self, text_page: int, marks: Marks, space: PageSpace, read: set[int]
    ) -> Iterator[_Run]:
        """Words in the order in which the file draws them; `read` gets the text objects seen."""
        x_at, y_at = self._doubles.addresses[:2]
        origin, styles, place = self._doubles.buffer, marks.styles, space.point
        run: _Run | None = None
        spaced = True
        letters = calls.count_chars(text_page)
        marks.is_cut = marks.is_cut or letters > MAX_LETTERS
        for index in range(min(letters, MAX_LETTERS)):
            code = calls.char_code(text_page, index)
            if code in _NOTHING:
                spaced = True
                continue
            if code == _REPLACED or code > _LAST_LETTER:
                continue
            letter = "-" if code == _HYPHEN_AT_LINE_END else chr(code)
            item = calls.char_object(text_page, index) or 0
            if marks.is_cut and item not in styles:
                continue
            read.add(item)
            style = styles.get(item, self._unknown)
            calls.char_origin(text_page, index, x_at, y_at)
            x, y = place(origin[0], origin[1])
            near = run is not None and not spaced and _follows(run, style, letter, x, y)
            if run is not None and near and _set_alike(run.style, style):
                run.text += letter
                run.last, run.x, run.y = index, x, y
                continue
            if run is not None:
                yield run
            run = _Run(letter, style, index, index, x, y, near)
            spaced = False
        if run is not None:
            yield run

    def _ink_of(self, text_page: int, run: _Run, space: PageSpace) -> Box:
        """The ink from the first letter of a word to the last."""
        box = self._letter(text_page, run.first, space)
        if run.last == run.first:
            return box
        return around([box, self._letter(text_page, run.last, space)])

    def _letter(self, text_page: int, index: int, space: PageSpace) -> Box:
        calls.char_box(text_page, index, *self._doubles.addresses)
        left, right, bottom, top = self._doubles.buffer
        x1, y1 = space.point(left, bottom)
        x2, y2 = space.point(right, top)
        if space.quarter_turns:
            return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        return Box(x1, y2, x2, y1)


def _drawn_again(word: Word, copies: list[TextStyle], sight: Sight) -> bool:
    """Whether text that pdfium took for a copy of this hidden word can be seen: its shadow."""
    return any(
        style.box is not None
        and style.box.holds_middle_of(word.box)
        and abs(style.size - word.size) < 0.5
        and sight.hides(style.box, style.box, style, style.size) is None
        for style in copies
    )


def _set_alike(a: TextStyle, b: TextStyle) -> bool:
    return a is b or (
        a.colour == b.colour
        and a.mode == b.mode
        and a.bold == b.bold
        and a.mark == b.mark
        and abs(a.size - b.size) <= 0.02 * a.size
    )


def _follows(run: _Run, style: TextStyle, letter: str, x: float, y: float) -> bool:
    """Whether a letter stands right after the last one, in the same or in another type."""
    size = style.size if style.size > run.style.size else run.style.size
    if not style.upright:
        return style is run.style
    if abs(y - run.y) > (_RAISED_EMS if style.size != run.style.size else _LEVEL_EMS) * size:
        return False
    step = x - run.x
    if step < 0 and is_right_to_left(letter):
        step = -step
    return -0.1 <= step <= _WIDEST_EMS * size


def _word(run: _Run, ink: Box) -> Word:
    # Fonts made of drawings (type 3) may have any nominal size: their ink tells it.
    size = run.style.size if run.style.size * 1.6 > ink.height else ink.height / _ABOVE
    box = ink
    if run.style.upright:
        box = Box(ink.left, run.y - _ABOVE * size, ink.right, run.y + _BELOW * size)
    return Word(
        box=box,
        text=run.text,
        bold=run.style.bold,
        size=size,
        glued=run.glued,
        slanted=run.style.slanted,
        mark=run.style.mark,
    )


def _pictures(marks: Marks, area: float, *, has_words: bool) -> list[Box]:
    """Pictures of some size; one below all of a page's text is its background."""
    shown = [box for box in marks.pictures if min(box.width, box.height) >= MIN_PICTURE_POINTS]
    if has_words:
        return [box for box in shown if box.width * box.height < _BACKGROUND_SHARE * area]
    return shown


def _shown_nowhere(
    hidden: list[tuple[HiddenKind, Word]], words: list[Word]
) -> list[tuple[HiddenKind, str]]:
    """Hidden words one after another as one text; a visible word's own shadow hides nothing."""
    shown: dict[str, list[Box]] = {}
    if hidden:
        for word in words:
            shown.setdefault(word.text, []).append(word.box)
    texts: list[tuple[HiddenKind, str]] = []
    for kind, word in hidden:
        if any(_beside(word.box, box) for box in shown.get(word.text, ())):
            continue
        if texts and texts[-1][0] is kind:
            texts[-1] = (kind, texts[-1][1] + ("" if word.glued else " ") + word.text)
        else:
            texts.append((kind, word.text))
    return texts


def _beside(a: Box, b: Box) -> bool:
    return abs(a.left - b.left) < 4 and abs(a.top - b.top) < 4
