"""How long tokens gather."""

import pytest

from domain.runs.batching import batch_seconds


@pytest.mark.parametrize(
    ("runs", "milliseconds"),
    [(0, 25), (1, 25), (4, 25), (9, 37.5), (16, 50), (64, 100), (256, 200), (10_000, 200)],
)
def test_tokens_gather_longer_the_more_runs_share_the_process(
    runs: int, milliseconds: float
) -> None:
    assert batch_seconds(runs) * 1000 == pytest.approx(milliseconds)


def test_more_runs_never_write_fewer_batches_together() -> None:
    rates = [runs / batch_seconds(runs) for runs in range(1, 1000)]
    assert rates == sorted(rates)
