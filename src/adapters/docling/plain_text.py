"""Plain text as it is: paragraphs where empty lines stand, every character kept."""

import re
from pathlib import PurePosixPath

from adapters.docling.refusal import Refused
from domain.documents.structure import DocumentStructure, Paragraph

_EMPTY_LINES = re.compile(r"\n(?:[ \t\f\v]*\n)+|\f")


def read_text(filename: str, text: str) -> DocumentStructure:
    """Raises Refused: nothing but white space."""
    parts = (part.strip("\n").rstrip() for part in _EMPTY_LINES.split(text))
    blocks = tuple(Paragraph(text=part) for part in parts if part.strip())
    if not blocks:
        raise Refused("the file holds no text that could be read")
    return DocumentStructure(title=PurePosixPath(filename).stem or filename, blocks=blocks)
