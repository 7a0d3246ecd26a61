"""What `obelisk ask` shows of an answer."""

from io import StringIO

import pytest
from rich.console import Console

from entrypoints.cli.answer import AnswerView
from obelisk.v1 import run_pb2


@pytest.mark.parametrize("steering", ["\x1b]0;mine\x07", "\x9b31m", "\u202e"])
def test_nothing_in_a_source_steers_the_terminal(steering: str) -> None:
    source = run_pb2.Source(number=1, filename=f"guide{steering}.md", section_path=[steering])
    source.also_in.add(filename=steering)
    told = run_pb2.WarningRaised(reason="UNSUPPORTED_CLAIM", message=f"It{steering} floats.")
    tool = run_pb2.ToolReturned(tool="scan", failure=steering)
    seen = StringIO()
    view = AnswerView(Console(file=seen, width=400, force_terminal=False))
    view.show(run_pb2.RunEvent(sources_retrieved=run_pb2.SourcesRetrieved(sources=[source])))
    view.show(run_pb2.RunEvent(warning_raised=told))
    view.show(run_pb2.RunEvent(tool_returned=tool))
    view.summary()
    assert not set(seen.getvalue()) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "guide" in seen.getvalue()
    assert "floats." in seen.getvalue()
