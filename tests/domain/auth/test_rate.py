"""How often something may be tried."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.auth.rate import Rate, TooManyAttempts


def test_a_burst_is_allowed_and_then_one_for_each_interval() -> None:
    rate = Rate(limit=3, seconds=30.0)
    due = 0.0
    for _ in range(3):
        due, wait = rate.take(due, 100.0)
        assert wait == 0
    assert rate.take(due, 100.0)[0] == due
    assert rate.take(due, 100.0)[1] == pytest.approx(10.0)
    assert rate.take(due, 105.0)[1] == pytest.approx(5.0)
    due, wait = rate.take(due, 110.0)
    assert wait == 0
    assert rate.take(due, 110.0)[1] == pytest.approx(10.0)


@given(
    st.integers(1, 50),
    st.floats(0.1, 10_000),
    st.lists(st.floats(0, 500), max_size=150),
)
def test_in_no_window_do_more_than_twice_the_limit_pass(
    limit: int, seconds: float, pauses: list[float]
) -> None:
    rate, due, now = Rate(limit=limit, seconds=seconds), 0.0, 1000.0
    passed: list[float] = []
    for pause in pauses:
        now += pause
        due, wait = rate.take(due, now)
        if wait == 0:
            passed.append(now)
        else:
            assert 0 < wait <= rate.interval * (1 + 1e-6)
    for end in passed:
        recent = [at for at in passed if end - seconds < at <= end]
        assert len(recent) <= 2 * limit


@given(st.integers(1, 1000), st.floats(0.001, 1e6))
def test_exactly_the_limit_passes_at_one_moment(limit: int, seconds: float) -> None:
    rate, due = Rate(limit=limit, seconds=seconds), 0.0
    for _ in range(limit):
        due, wait = rate.take(due, 0.0)
        assert wait == 0
    assert rate.take(due, 0.0)[1] > 0


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1.0), (-1, 1.0), (1, 0.0), (1, math.inf)])
def test_a_rate_is_above_zero(limit: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Rate(limit=limit, seconds=seconds)


@pytest.mark.parametrize(("wait", "told"), [(0.2, "1"), (1.0, "1"), (59.1, "60")])
def test_the_refusal_says_when_to_come_back(wait: float, told: str) -> None:
    refusal = TooManyAttempts(wait)
    assert refusal.metadata == {"retry_after_seconds": told}
    assert f"try again in {told} s" in refusal.message
