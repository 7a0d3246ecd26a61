"""Which weeks of events are kept, and what is said of those that are not."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, OutOfRange
from domain.identifiers import RunId
from domain.runs.retention import (
    EventsExpired,
    KeptWeeks,
    RetentionPolicy,
    require_kept,
    week_of,
)
from fixtures.making import id_of

MONDAY = date(2026, 5, 4)
moments = st.floats(0, 80 * 365.25).map(
    lambda days: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=days)
)


def test_ninety_days_keep_the_week_that_they_reach_into() -> None:
    weeks = RetentionPolicy(days=90).weeks_at(datetime(2026, 5, 6, tzinfo=UTC))
    assert weeks == KeptWeeks(
        oldest=date(2026, 2, 2), current=MONDAY, newest=MONDAY + timedelta(weeks=4)
    )


@given(now=moments, days=st.integers(1, 1000), age=st.floats(0, 1100))
def test_no_event_is_forgotten_before_its_time_and_none_kept_a_week_longer(
    now: datetime, days: int, age: float
) -> None:
    began = now - timedelta(days=age)
    week = week_of(RunId(id_of(began)))
    assert week is not None
    forgotten = week < RetentionPolicy(days=days).weeks_at(now).oldest
    if age <= days:
        assert not forgotten
    if age >= days + 7:
        assert forgotten


@given(now=moments)
def test_there_is_room_for_what_begins_within_four_weeks(now: datetime) -> None:
    weeks = RetentionPolicy(days=1).weeks_at(now)
    week = week_of(RunId(id_of(now + timedelta(weeks=4))))
    assert week is not None
    assert weeks.current <= week <= weeks.newest


def test_weeks_begin_on_monday_in_utc_wherever_the_clock_stands() -> None:
    elsewhere = datetime(2026, 5, 4, 1, tzinfo=timezone(timedelta(hours=5)))
    assert RetentionPolicy(days=1).weeks_at(elsewhere).current == MONDAY - timedelta(weeks=1)


def test_an_id_that_tells_no_time_is_of_no_week() -> None:
    assert week_of(RunId(uuid4())) is None


@pytest.mark.parametrize("days", [0, -1])
def test_events_are_kept_for_a_day_at_least(days: int) -> None:
    with pytest.raises(InvalidInput, match="a day at least"):
        RetentionPolicy(days=days)


@pytest.mark.parametrize(
    ("oldest", "current", "newest"), [(0, 7, 1), (7, 0, 14), (0, 14, 7), (1, 7, 14)]
)
def test_weeks_out_of_order_and_days_that_are_no_monday_are_refused(
    oldest: int, current: int, newest: int
) -> None:
    days = [MONDAY + timedelta(days=n) for n in (oldest, current, newest)]
    with pytest.raises(ValueError, match=r"Monday|oldest"):
        KeptWeeks(oldest=days[0], current=days[1], newest=days[2])


@pytest.mark.parametrize(
    ("first", "cursor", "last"), [(1, 0, 5), (6, 5, 5), (None, 5, 5), (6, 5, 9), (None, 7, 5)]
)
def test_a_log_that_goes_on_after_the_cursor_is_kept(
    first: int | None, cursor: int, last: int
) -> None:
    require_kept(first, cursor=cursor, last_sequence=last)


@pytest.mark.parametrize(("first", "cursor"), [(None, 0), (None, 4), (3, 0), (9, 4)])
def test_what_is_gone_is_told_with_where_the_run_ended(first: int | None, cursor: int) -> None:
    with pytest.raises(EventsExpired) as refusal:
        require_kept(first, cursor=cursor, last_sequence=9)
    assert isinstance(refusal.value, OutOfRange)
    assert refusal.value.reason == "EVENTS_EXPIRED"
    assert refusal.value.field == "after_sequence"
    assert refusal.value.metadata == {"last_sequence": "9"}
