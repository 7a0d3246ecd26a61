"""A process among those that share the database."""

from dataclasses import dataclass

from domain.identifiers import WorkerId
from domain.runs.lease import WorkerKind

# For documents of spaces of which nothing is being read: long ones of others may hold the rest.
KEPT_PLACES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Who it is, and how much it does side by side.

    It reads `ingestions_at_once` documents, and one more while several spaces have some to read.
    """

    worker_id: WorkerId
    kind: WorkerKind
    runs_at_once: int
    ingestions_at_once: int

    @property
    def reading_places(self) -> int:
        return self.ingestions_at_once + KEPT_PLACES
