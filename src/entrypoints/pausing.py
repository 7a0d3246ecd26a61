"""How runs that wait for a person are put together."""

from dataclasses import dataclass

from adapters.postgres.pauses import PostgresPauses
from adapters.postgres.pool import Pool
from application.ports.clock import Clock
from application.ports.fan_out import FanOut
from application.ports.jobs import Jobs
from application.ports.run_journal import RunJournal
from application.ports.run_store import RunStore
from application.runs.expire import ExpirePauses
from application.runs.resume import ResumeRun
from domain.runs.pause import PausePolicy
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Pausing:
    """What ends a pause: an answer, or the time."""

    resume: ResumeRun
    expire: ExpirePauses


def build_pausing(
    *,
    pool: Pool,
    runs: RunStore,
    journal: RunJournal,
    fan_out: FanOut,
    jobs: Jobs,
    settings: Settings,
    clock: Clock,
) -> Pausing:
    """Both by the same policy."""
    policy = PausePolicy(life=settings.pause_life)
    return Pausing(
        resume=ResumeRun(
            runs=runs, journal=journal, fan_out=fan_out, jobs=jobs, policy=policy, clock=clock
        ),
        expire=ExpirePauses(pauses=PostgresPauses(pool), jobs=jobs, policy=policy, clock=clock),
    )
