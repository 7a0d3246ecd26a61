"""One vocabulary: what a run is stopped for, and how it ends then."""

import pytest

from domain.runs.event import stopped
from domain.runs.run import CancelReason, TerminationReason


@pytest.mark.parametrize(
    ("why", "ends_as"),
    [
        (CancelReason.USER, TerminationReason.CANCELLED),
        (CancelReason.SUPERSEDED, TerminationReason.CANCELLED),
        (CancelReason.SHUTDOWN, TerminationReason.CANCELLED),
        (CancelReason.DEADLINE, TerminationReason.DEADLINE),
        (CancelReason.BUDGET, TerminationReason.BUDGET),
        (CancelReason.EXPIRED, TerminationReason.EXPIRED),
    ],
)
def test_every_reason_to_stop_has_its_end(why: CancelReason, ends_as: TerminationReason) -> None:
    end = stopped(why)
    assert (end.reason, end.cancel_reason) == (ends_as, why)


def test_no_reason_is_left_out() -> None:
    assert {why.ends_as for why in CancelReason} == {
        TerminationReason.CANCELLED,
        TerminationReason.DEADLINE,
        TerminationReason.BUDGET,
        TerminationReason.EXPIRED,
    }


def test_who_marks_a_run_without_a_word_is_taken_for_a_user() -> None:
    assert stopped(None).cancel_reason is CancelReason.USER
