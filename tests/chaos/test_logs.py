"""A traceback in a process's log is noticed, and a line that tells of a fault is not."""

from pathlib import Path

from bench.chaos.logs import tracebacks


def test_a_log_with_tracebacks_is_named_with_their_number(tmp_path: Path) -> None:
    told = "WARNING the database does not answer; trying again\n"
    torn = "ERROR work failed\n  Traceback (most recent call last):\n    File ...\n"
    (tmp_path / "server-0.log").write_text(told)
    (tmp_path / "worker-2.log").write_text(torn + told + torn)
    assert tracebacks(tmp_path) == ("worker-2.log has tracebacks: 2",)
