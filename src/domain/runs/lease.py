"""How processes know of each other that they live."""

from dataclasses import dataclass
from enum import Enum

from domain.identifiers import RunId, SpaceId
from domain.runs.run import CancelReason

BEAT_SECONDS = 0.5
LEASE_SECONDS = 3.0


class WorkerKind(Enum):
    """A server answers calls and executes runs; a worker executes runs."""

    SERVER = "server"
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A run that a process has, as the others see it; with a reason when it is to stop."""

    space_id: SpaceId
    run_id: RunId
    fence: int
    cancel_reason: CancelReason | None
