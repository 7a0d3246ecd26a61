"""The figures of one setting, as a row for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.measuring import Batch, quantile, stages
from bench.paced_model import Pace
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, width=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Times in milliseconds, over the model's own; bytes are those of the serialized events."""

    side: str
    profile: str
    concurrency: int
    runs: int
    added_ttft_ms_p50: float
    added_ttft_ms_p95: float
    added_whole_ms_p50: float
    runs_per_second: float
    cpu_ms_per_run: float
    bytes_per_token: float
    token_event_bytes_per_token: float
    stage_ms_p50: dict[str, float]


def row(side: str, pace: Pace, concurrency: int, tokens: int, measured: Batch) -> Row:
    """Reduce a batch to its figures."""
    samples = measured.samples
    first = [sample.first_token - pace.first for sample in samples]
    whole = [sample.whole - pace.seconds(tokens) for sample in samples]
    spoken = len(samples) * tokens
    return Row(
        side=side,
        profile=pace.name,
        concurrency=concurrency,
        runs=len(samples),
        added_ttft_ms_p50=_ms(quantile(first, 0.5)),
        added_ttft_ms_p95=_ms(quantile(first, 0.95)),
        added_whole_ms_p50=_ms(quantile(whole, 0.5)),
        runs_per_second=round(len(samples) / measured.wall, 1),
        cpu_ms_per_run=_ms(measured.cpu / len(samples)),
        bytes_per_token=round(sum(s.size_bytes for s in samples) / spoken, 1),
        token_event_bytes_per_token=round(sum(s.text_bytes for s in samples) / spoken, 1),
        stage_ms_p50={
            stage: _ms(quantile(seconds, 0.5)) for stage, seconds in stages(samples).items()
        },
    )


def show(rows: Sequence[Row], about: str) -> None:
    """Print both tables for people."""
    table = Table(
        *("profile", "c", "side", "runs", "added TTFT ms p50", "p95", "added whole ms p50"),
        *("runs/s", "CPU ms/run", "bytes/token", "of token events"),
        title=f"What Obelisk adds ({about})",
    )
    for line in rows:
        table.add_row(line.profile, str(line.concurrency), line.side, str(line.runs), *_cells(line))
    for column in (1, *range(3, 11)):
        table.columns[column].justify = "right"
    console.print(table)
    console.print(
        "CPU is of this process, server and client together, on both sides; Postgres is not in it.",
        style="dim",
    )
    _show_stages([line for line in rows if line.stage_ms_p50])


def as_json(line: Row) -> dict[str, object]:
    """The row as plain values."""
    return asdict(line)


def _cells(line: Row) -> list[str]:
    figures = (
        *(line.added_ttft_ms_p50, line.added_ttft_ms_p95, line.added_whole_ms_p50),
        *(line.runs_per_second, line.cpu_ms_per_run),
        *(line.bytes_per_token, line.token_event_bytes_per_token),
    )
    return [f"{figure:,.1f}" for figure in figures]


def _show_stages(rows: Sequence[Row]) -> None:
    settings = [f"{line.profile} c={line.concurrency}" for line in rows]
    table = Table("stage, ms p50", *settings, title="Where the time goes")
    for stage in dict.fromkeys(name for line in rows for name in line.stage_ms_p50):
        table.add_row(stage, *(f"{line.stage_ms_p50.get(stage, 0.0):,.1f}" for line in rows))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
