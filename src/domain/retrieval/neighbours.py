"""Passages that follow one another in a document are read as one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from domain.identifiers import DocumentId
from domain.retrieval.passage import FusedPassage, Passage

# Between two pieces of one section stands white space at most.
_GAP_CHARACTERS = 3
# Fewer characters than these can be alike by chance, where they are not all that overlaps.
_LEAST_SHARED = 12
_Section = tuple[DocumentId, int, tuple[str, ...]]


def with_neighbours_joined(fused: Sequence[FusedPassage]) -> list[FusedPassage]:
    """Adjacent passages of one section made into one, at the place of the better of them.

    What two of them share by overlap is said once. The joined passage has the better one's id, the
    first one's page and the span of all. Tables, and passages whose place is not known, stay alone.
    """
    sections: defaultdict[_Section, list[int]] = defaultdict(list)
    for place, one in enumerate(fused):
        if _can_be_joined(one.passage):
            passage = one.passage
            sections[passage.document_id, passage.version, passage.section_path].append(place)
    joined: dict[int, FusedPassage | None] = {}
    for places in sections.values():
        for run in _runs(fused, places):
            joined |= dict.fromkeys(run)
            joined[min(run)] = _one_of([fused[place] for place in run], fused[min(run)])
    known = (joined.get(place, one) for place, one in enumerate(fused))
    return [one for one in known if one is not None]


def _can_be_joined(passage: Passage) -> bool:
    return passage.span[1] > passage.span[0] and not passage.text.lstrip().startswith("|")


def _runs(fused: Sequence[FusedPassage], places: Sequence[int]) -> list[list[int]]:
    """The places in groups that follow one another in their section, in its order."""
    runs: list[list[int]] = []
    end = 0
    for place in sorted(places, key=lambda place: fused[place].passage.span):
        span = fused[place].passage.span
        if runs and span[0] <= end + _GAP_CHARACTERS:
            runs[-1].append(place)
        else:
            runs.append([place])
            end = 0
        end = max(end, span[1])
    return runs


def _one_of(run: Sequence[FusedPassage], best: FusedPassage) -> FusedPassage:
    if len(run) == 1:
        return best
    passage = run[0].passage
    text, (start, end) = passage.text, passage.span
    for following in run[1:]:
        text = _continued(text, end, following.passage)
        end = max(end, following.passage.span[1])
    return replace(
        best,
        passage=replace(best.passage, text=text, span=(start, end), page=passage.page),
        streams=tuple(dict.fromkeys(name for one in run for name in one.streams)),
        hits=tuple(dict.fromkeys(hit for one in run for hit in one.hits)),
        also_in=tuple(dict.fromkeys(place for one in run for place in one.also_in)),
    )


def _continued(text: str, end: int, following: Passage) -> str:
    start = following.span[0]
    # Pieces of one row of a table all stand where the row does.
    if following.span[1] <= end and following.text in text:
        return text
    if start >= end:
        return text + "\n" * min(start - end, 2) + following.text
    for size in range(min(end - start, len(text), len(following.text)), 0, -1):
        told = size == end - start or size >= _LEAST_SHARED
        if told and text.endswith(following.text[:size]):
            return text + following.text[size:]
    return f"{text}\n{following.text}"
