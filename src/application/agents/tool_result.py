"""What of a tool's result a run takes in: all of it, or as much as it can remember."""

import json
from dataclasses import replace

from application.ports.tool import ToolOutput
from domain.plain import to_plain
from domain.retrieval.passage import FusedPassage

# As JSON text, in bytes. A run's journal keeps the results of all its tools in one mark of 1 MB.
MOST_RESULT_BYTES = 64 * 1024
MOST_BRIEF_BYTES = 16 * 1024
MOST_PASSAGES_BYTES = 128 * 1024
MOST_FAILURE_CHARACTERS = 2_000


def bounded(output: ToolOutput) -> tuple[ToolOutput, str]:
    """The result as far as it is kept, and what is told where that is not all of it.

    It says so itself too: to the client in its JSON, to the model in its brief.
    """
    result, brief = _writable(output.result_json), _writable(output.brief)
    passages = _first(output.passages)
    size = _size(result) + _size(brief) + sum(map(_passage_size, output.passages))
    kept = replace(output, result_json=_result(result), brief=brief, passages=passages)
    short = _beginning(brief, MOST_BRIEF_BYTES)
    if (kept.result_json, short, passages) == (result, brief, output.passages):
        return kept, ""
    told = f"it returned {size:,} bytes, which is more than is kept; the rest was cut off"
    return replace(kept, brief=f"{short}\n[Cut here: {told}.]"), told


def failure_of(message: str) -> str:
    """A tool's failure in so many words as are kept."""
    message = _writable(message)
    if len(message) <= MOST_FAILURE_CHARACTERS:
        return message
    return f"{message[:MOST_FAILURE_CHARACTERS]} [cut here]"


def _result(result: str) -> str:
    """A JSON object in any case."""
    if _size(result) <= MOST_RESULT_BYTES:
        return result
    # It is a text in a text then, whose marks are escaped twice.
    beginning = _beginning(result, MOST_RESULT_BYTES // 4)
    return json.dumps(
        {"truncated": True, "bytes": len(result.encode()), "beginning": beginning},
        ensure_ascii=False,
    )


def _first(passages: tuple[FusedPassage, ...]) -> tuple[FusedPassage, ...]:
    room = MOST_PASSAGES_BYTES
    for n, passage in enumerate(passages):
        room -= _passage_size(passage)
        if room < 0:
            return passages[:n]
    return passages


def _beginning(text: str, most: int) -> str:
    kept = text if _size(text) <= most else text.encode()[:most].decode(errors="ignore")
    while kept and (size := _size(kept)) > most:
        kept = kept[: len(kept) * most // size - 1]
    return kept


def _passage_size(passage: FusedPassage) -> int:
    return len(json.dumps(to_plain(passage), ensure_ascii=False).encode(errors="replace"))


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def _writable(text: str) -> str:
    """Half a character that stands alone can be written nowhere."""
    return text.encode(errors="replace").decode()
