"""How long a pause lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import InvalidInput
from domain.runs.pause import Pause, PausePolicy

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAUSE = Pause(pause_id="p-1", prompt="Approve this?", since=BEGAN)


@pytest.mark.parametrize(
    ("life", "after", "over"),
    [
        (timedelta(days=7), timedelta(), False),
        (timedelta(days=7), timedelta(days=6, hours=23, minutes=59), False),
        (timedelta(days=7), timedelta(days=7), False),
        (timedelta(days=7), timedelta(days=7, microseconds=1), True),
        (timedelta(days=7), timedelta(days=700), True),
        (timedelta(days=1), timedelta(days=2), True),
        (timedelta(days=30), timedelta(days=29), False),
        (timedelta(days=7), timedelta(days=-1), False),
    ],
)
def test_a_pause_is_over_when_its_life_has_passed(
    life: timedelta, after: timedelta, over: bool
) -> None:
    policy, now = PausePolicy(life=life), BEGAN + after
    assert policy.is_over(PAUSE, now) is over
    assert (PAUSE.since < policy.paused_before(now)) is over


def test_a_week_is_the_usual_life() -> None:
    assert PausePolicy().paused_before(BEGAN) == BEGAN - timedelta(weeks=1)


@pytest.mark.parametrize("life", [timedelta(), timedelta(seconds=-1)])
def test_a_pause_has_to_last_for_some_time(life: timedelta) -> None:
    with pytest.raises(InvalidInput):
        PausePolicy(life=life)
