"""The figures of one side at one concurrency, as a table for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.report import console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """TTFT is over the model's own; memory is that of the server's process alone, and its CPU
    stands beside that of the PostgreSQL it keeps its state in."""

    side: str
    pace: str
    concurrency: int
    runs: int
    added_ttft_ms_p50: float
    added_ttft_ms_p95: float
    added_ttft_ms_p99: float
    runs_per_second: float
    tokens_per_second: int
    server_cpu_ms_per_run: float
    postgres_cpu_ms_per_run: float
    bytes_per_token: float
    resident_mb: int

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def show(lines: Sequence[Line], about: str) -> None:
    """Print the table."""
    table = Table(
        *("model", "c", "server", "runs", "added TTFT ms p50", "p95", "p99", "runs/s"),
        *("tokens/s", "server CPU ms/run", "Postgres", "bytes/token", "MB"),
        title=f"Serving runs ({about})",
    )
    for column in table.columns[3:]:
        column.justify = "right"
    order = sorted(lines, key=lambda line: (line.pace, line.concurrency))
    for line in order:
        figures = list(line.as_json().values())[4:]
        table.add_row(
            *(line.pace, str(line.concurrency), line.side, str(line.runs)),
            *(f"{figure:,}" for figure in figures),
        )
    console.print(table)
