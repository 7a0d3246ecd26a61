"""Limits of the settings, as the use cases want them."""

from application.runs.watchers import WatcherLimits
from domain.runs.admission import RunLimits
from entrypoints.settings import Settings


def run_limits(settings: Settings) -> RunLimits:
    """Those of runs, for each space over all processes."""
    return RunLimits(
        running=settings.space_running_limit,
        queued=settings.space_queue_limit,
        attempts=settings.run_attempts,
    )


def watcher_limits(settings: Settings) -> WatcherLimits:
    """Those of open streams, for this process."""
    return WatcherLimits(a_process=settings.watchers_at_once, a_space=settings.watchers_per_space)
