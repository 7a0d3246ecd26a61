"""How much of a draft the earlier attempts of a run have shown."""

from application.ports.event_log import EventLog
from domain.runs.event import DraftDiscarded, EventKind, TokenBatch
from domain.runs.run import Run

_PAGE = 500


async def shown_characters(log: EventLog, run: Run) -> int:
    """Characters of the token batches since the last draft that was discarded."""
    shown, cursor = 0, 0
    while batch := await log.read(run.space_id, run.run_id, cursor, _PAGE):
        cursor = batch[-1].sequence
        for event in batch:
            shown = _after(shown, event.kind)
    return shown


def _after(shown: int, kind: EventKind) -> int:
    if isinstance(kind, DraftDiscarded):
        return 0
    return shown + len(kind.text) if isinstance(kind, TokenBatch) else shown
