"""An answer on the terminal: text as it comes, then sources, warnings and stage timings."""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from entrypoints.cli.terminal import one_line
from obelisk.v1 import run_pb2

_MAX_WARNINGS = 6
_LISTED = 5
_MARKS = {
    "UNSUPPORTED_CLAIM": "not in the sources",
    "CITATION_UNSUPPORTED": "not what the source says",
    "TERM_TO_AVOID": "term to avoid",
}


class AnswerView:
    """Feed it a run's events in order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._sources: list[run_pb2.Source] = []
        self._stages: list[run_pb2.StageTimed] = []
        self._warnings: list[run_pb2.WarningRaised] = []
        self._usage: list[run_pb2.UsageRecorded] = []
        self.cited: Sequence[int] = ()
        self.completed: run_pb2.RunCompleted | None = None
        self._writing = False
        self._run_id = ""

    def show(self, event: run_pb2.RunEvent) -> None:
        """Print what belongs on the screen at once; keep the rest for `summary`."""
        match event.WhichOneof("kind"):
            case "token_batch":
                self._writing = True
                self._console.out(event.token_batch.text, end="", highlight=False)
            case "draft_discarded":
                self._tell("the server was lost in the middle; the draft is written anew")
            case "paused":
                self._tell(f"{event.paused.prompt} obelisk runs approve {self._run_id}")
            case "resumed":
                self._tell(_decided(event.resumed))
            case "queued":
                self._run_id = event.queued.run_id
            case "stage_timed":
                self._stages.append(event.stage_timed)
            case "sources_retrieved":
                self._sources = list(event.sources_retrieved.sources)
                self._tell_degraded(event.sources_retrieved.degraded_streams)
            case "tool_returned":
                self._console.print(self._tool(event.tool_returned))
            case "warning_raised":
                self._warnings.append(event.warning_raised)
            case "drafted":
                self.cited = tuple(event.drafted.cited_sources)
            case "usage_recorded":
                self._usage.append(event.usage_recorded)
            case "completed":
                self.completed = event.completed

    def summary(self) -> None:
        """Print how the run ended, its warnings, sources and timings."""
        if self._writing:
            self._console.print("\n")
        self._ending()
        for warning in self._warnings[:_MAX_WARNINGS]:
            mark = _MARKS.get(warning.reason, warning.reason.lower().replace("_", " "))
            told = one_line(warning.message.strip())
            self._console.print(Text.assemble((f"  {mark}: ", "yellow"), told))
        if len(self._warnings) > _MAX_WARNINGS:
            self._console.print(f"  and {len(self._warnings) - _MAX_WARNINGS} more")
        self._console.print(self._source_table())
        self._console.print(self._stage_table())

    def _ending(self) -> None:
        if self.completed is None:
            return
        name = run_pb2.TerminationReason.Name(self.completed.reason)
        word = name.removeprefix("TERMINATION_REASON_").lower()
        line = Text.assemble(("ended: ", "bold"), word)
        if self.completed.detail:
            line.append(f" ({self.completed.detail})")
        self._console.print(line)

    def _tell(self, told: str) -> None:
        """A line of its own, below what has been written."""
        if self._writing:
            self._console.print()
        self._console.print(Text(told, "yellow"))

    def _tell_degraded(self, streams: Sequence[str]) -> None:
        if streams:
            self._console.print(Text(f"could not be searched: {', '.join(streams)}", "yellow"))

    def _tool(self, returned: run_pb2.ToolReturned) -> Text:
        told = returned.failure or _brief(json.loads(returned.result_json))
        return Text(one_line(f"{returned.tool}: {told}"), style="dim")

    def _source_table(self) -> Table:
        table = Table("", "Source", "Where", "Found by", title="Sources", box=None)
        table.title_justify = "left"
        for source in self._sources:
            number = f"[green]{source.number} cited[/]" if source.number in self.cited else ""
            heading = " > ".join(source.section_path[-2:])
            place = f"p. {source.page}  {heading}" if source.page else heading
            streams = ", ".join(source.streams)
            filename = Text(one_line(source.filename))
            table.add_row(number or f"{source.number}", filename, Text(one_line(place)), streams)
            others = dict.fromkeys(other.filename for other in source.also_in)
            if others:
                table.add_row("", Text(f"also in {one_line(', '.join(others))}", "dim"))
        return table

    def _stage_table(self) -> Table:
        table = Table("Stage", "ms", title="Timings", box=None)
        table.title_justify = "left"
        table.columns[1].justify = "right"
        for stage in self._stages:
            milliseconds = stage.duration.ToMicroseconds() / 1000
            note = " [yellow]done without[/]" if stage.degraded else ""
            table.add_row(f"{stage.stage}{note}", f"{milliseconds:,.1f}")
        if self._usage:
            table.add_row(f"tokens in / out ({self._usage[0].model})", _counts(self._usage))
        return table


def _brief(value: object) -> str:
    """A tool's result in a line: names before numbers, no more than a few of each list."""
    if isinstance(value, dict):
        named = value.get("title") or value.get("phrase")
        if named:
            return str(named)
        return "; ".join(f"{key.replace('_', ' ')} {_brief(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_brief(item) for item in value[:_LISTED]) or "none"
    return str(value)


def _decided(resumed: run_pb2.RunResumed) -> str:
    word = run_pb2.Decision.Name(resumed.decision).removeprefix("DECISION_").lower()
    decided = {"approve": "approved", "reject": "rejected"}.get(word, word)
    return f"{decided}: {resumed.note}" if resumed.note else decided


def _counts(used: Sequence[run_pb2.UsageRecorded]) -> str:
    read, written = sum(u.prompt_tokens for u in used), sum(u.completion_tokens for u in used)
    return f"{read:,} / {written:,}"
