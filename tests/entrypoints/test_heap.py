"""The collector leaves alone what a process has built before it serves."""

import gc

from entrypoints.heap import settled_heap


def test_what_was_built_before_is_passed_over_while_serving_and_not_after() -> None:
    before = gc.get_freeze_count(), gc.get_threshold()
    with settled_heap():
        assert gc.get_freeze_count() > before[0]
        assert gc.get_threshold()[0] > before[1][0]
        assert not any(item is settled_heap for item in gc.get_objects())
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, before[1])


def test_cycles_made_while_serving_are_still_found() -> None:
    with settled_heap():
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() >= 1
