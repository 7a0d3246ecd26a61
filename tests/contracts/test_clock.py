"""The contract of `Clock`, on every adapter."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.local.clock import SystemClock
from adapters.memory.clock import FixedClock
from application.ports.clock import Clock


@pytest.fixture(params=[SystemClock, FixedClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_now_is_in_utc_and_says_so(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_the_monotonic_clock_never_goes_back(clock: Clock) -> None:
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_the_system_clock_tells_the_time_of_day() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fixed_clock_moves_only_when_it_is_moved() -> None:
    clock = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))
    before = clock.now(), clock.monotonic()
    assert (clock.now(), clock.monotonic()) == before
    clock.advance(1.5)
    assert clock.now() == before[0] + timedelta(seconds=1.5)
    assert clock.monotonic() == before[1] + 1.5


def test_a_correction_of_the_calendar_leaves_the_monotonic_clock_alone() -> None:
    clock = FixedClock()
    before = clock.monotonic()
    clock.set_now(datetime(2020, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2020
    assert clock.monotonic() == before


def test_a_fixed_clock_refuses_what_no_clock_does() -> None:
    clock = FixedClock()
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-0.1)
    elsewhere = timezone(timedelta(hours=2))
    with pytest.raises(ValueError, match="UTC"):
        FixedClock(datetime(2026, 1, 1, tzinfo=elsewhere))
    with pytest.raises(ValueError, match="UTC"):
        clock.set_now(datetime(2026, 1, 1, tzinfo=elsewhere))
