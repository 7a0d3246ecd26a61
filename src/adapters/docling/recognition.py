"""Text recognition (OCR) by rapidocr, whose models ship in its package: the extra `ocr`."""

import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_page import PageInk
from adapters.docling.pdf_words import Word

EXTRA_HINT = "install Obelisk with the extra `ocr` to have it recognised"
MAX_SIDE_PIXELS = 3_000
SECONDS_FOR_A_FILE = 30.0
_MIN_SCORE = 0.5
_LINE_PER_TYPE = 1.25
_UPRIGHT_SHARE = 3.0


@dataclass(frozen=True, slots=True)
class Spelled:
    """One recognised line, placed in pixels."""

    box: Box
    text: str


Recogniser = Callable[[Image.Image], list[Spelled]]


def is_installed() -> bool:
    """Whether the extra `ocr` is there."""
    return importlib.util.find_spec("rapidocr") is not None


@cache
def recogniser() -> Recogniser | None:
    """Loaded once, when the first picture needs it; None without the extra."""
    if not is_installed():
        return None
    from rapidocr import RapidOCR
    from rapidocr.utils.output import RapidOCROutput

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    engine = RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Global.log_level": "critical",
        }
    )

    def recognise(image: Image.Image) -> list[Spelled]:
        result = engine(np.asarray(image.convert("RGB"))[:, :, ::-1])
        if not isinstance(result, RapidOCROutput) or result.boxes is None:
            return []
        spelled = zip(result.boxes, result.txts or (), result.scores or (), strict=True)
        return [
            Spelled(_around(corners), text)
            for corners, text, score in spelled
            if score >= _MIN_SCORE and text.strip()
        ]

    return recognise


class Patience:
    """Recognition is slow: a file gets so many seconds of the processor."""

    def __init__(self, seconds: float = SECONDS_FOR_A_FILE) -> None:
        self._end = time.process_time() + seconds

    @property
    def is_over(self) -> bool:
        return time.process_time() >= self._end


def reduced(image: Image.Image) -> Image.Image:
    """Small enough to be recognised within seconds."""
    if max(image.size) > MAX_SIDE_PIXELS:
        image.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    return image


def ink_of(lines: list[Spelled], points_a_pixel: float) -> PageInk:
    """Recognised lines as words of a page, to be put in order like those of any other page."""
    words: list[Word] = []
    aside: list[Word] = []
    for line in lines:
        box = Box(*(side * points_a_pixel for side in _sides(line.box)))
        word = Word(box=box, text=line.text.strip(), bold=False, size=box.height / _LINE_PER_TYPE)
        is_turned = box.height > _UPRIGHT_SHARE * box.width and len(word.text) > 1
        (aside if is_turned else words).append(word)
    return PageInk(words=words, rules=[], pictures=[], aside=aside)


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _around(corners: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Box:
    xs, ys = corners[:, 0], corners[:, 1]
    return Box(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
