"""How long the events of runs are kept: whole weeks of runs, and a plain word for what is gone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.errors import InvalidInput, OutOfRange
from domain.identifiers import RunId

_WEEKS_AHEAD = 4
_MILLISECONDS_SHIFT = 80
_TIME_ORDERED = 7


class EventsExpired(OutOfRange):
    """The run is still known, with how it ended; what happened in it is not."""

    reason = "EVENTS_EXPIRED"

    def __init__(self, cursor: int, last_sequence: int) -> None:
        super().__init__(
            f"the run's events after {cursor} are older than this server keeps events; "
            f"only a cursor at its end ({last_sequence}) can still be watched",
            field="after_sequence",
            metadata={"last_sequence": str(last_sequence)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWeeks:
    """Weeks by their Mondays, in UTC. What began before `oldest` is forgotten; there has to be room
    for those from `current` to `newest`.
    """

    oldest: date
    current: date
    newest: date

    def __post_init__(self) -> None:
        if any(day.weekday() for day in (self.oldest, self.current, self.newest)):
            raise ValueError("a week is told by its Monday")
        if not self.oldest <= self.current <= self.newest:
            raise ValueError("the oldest week comes first, the newest one last")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Events are kept for `days` after their run began, and until that week is over."""

    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise InvalidInput(f"events are kept for a day at least, not {self.days} days")

    def weeks_at(self, now: datetime) -> KeptWeeks:
        """What to keep at `now`, with room for four weeks to come."""
        today = now.astimezone(UTC).date()
        current = _monday(today)
        return KeptWeeks(
            oldest=_monday(today - timedelta(days=self.days)),
            current=current,
            newest=current + timedelta(weeks=_WEEKS_AHEAD),
        )


def require_kept(first: int | None, *, cursor: int, last_sequence: int) -> None:
    """Check that the log goes on right after `cursor`.

    `first` is the sequence of the first event that the log has after it, `last_sequence` one that
    the run had reached before the log was read.

    Raises:
        EventsExpired: what comes next was kept once, and is not any more.
    """
    gone = cursor < last_sequence if first is None else first != cursor + 1
    if gone:
        raise EventsExpired(cursor, max(last_sequence, first or 0))


def week_of(run: RunId) -> date | None:
    """The Monday of the week in which the run began, as its UUIDv7 says; None for other ids."""
    if run.version != _TIME_ORDERED:
        return None
    began = datetime.fromtimestamp((run.int >> _MILLISECONDS_SHIFT) / 1000, UTC)
    return _monday(began.date())


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
