"""How long the tokens of a run gather before they are committed and shown."""

from math import sqrt

SHORTEST_SECONDS = 0.025
LONGEST_SECONDS = 0.2
# So many runs at work in a process are no reason to wait longer.
_FEW_RUNS = 4


def batch_seconds(runs_at_work: int = 1) -> float:
    """25 ms for up to four runs, 50 ms for 16, 100 ms for 64, never over 200 ms.

    So four times as many runs write twice as many batches, and each run's tokens cost half of what
    they did. A run is alone when nothing else is said.
    """
    crowd = max(1.0, runs_at_work / _FEW_RUNS)
    return min(LONGEST_SECONDS, SHORTEST_SECONDS * sqrt(crowd))
