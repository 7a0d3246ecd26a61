"""Which pictures of a document were left out, and why, in words for the person who sent it."""

from collections.abc import Sequence
from enum import Enum

from adapters.docling.picture_formats import FORMATS

_MOST_NAMED = 20


class LeftOut(Enum):
    """Why a picture is not looked at, although the document is read."""

    TOO_LARGE = "they have too many pixels to be unpacked safely; make them smaller"
    UNKNOWN = f"they are damaged, or none of {', '.join(FORMATS)}"
    DAMAGED = "they are damaged or were cut off"
    NO_TIME = "the pictures before them had taken all the time that a document has for pictures"


def left_out_pictures(pictures: Sequence[tuple[LeftOut, str]]) -> tuple[str, ...]:
    """A line for each reason; `pictures` with their places, in the order of the document."""
    return tuple(
        f"these pictures were left out, because {why.value}: {named(places)}"
        for why in LeftOut
        if (places := [place for reason, place in pictures if reason is why])
    )


def named(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
