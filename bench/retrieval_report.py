"""The figures of a search: rows for people, like compared with like, and what misses a goal."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.retrieval_sides import MEANING, PLAIN, RETRIEVAL, STREAMS
from rich.console import Console
from rich.table import Table

# The goals, as the project states them.
RECALL, OWN_MS_P95 = 0.99, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One side in one space. `recall_10` is against the exact scan; None where it is not meant."""

    chunks: int
    side: str
    ms_p50: float
    ms_p95: float
    own_cpu_ms: float
    postgres_cpu_ms: float
    statements: float
    recall_10: float | None

    @property
    def cpu_ms(self) -> float:
        """Of both sides of the wire."""
        return self.own_cpu_ms + self.postgres_cpu_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """The same vectors, the same ten passages: our search by meaning beside the plain design.

    `times_*` say how many times as long the plain design takes; above 1 we are ahead.
    """

    chunks: int
    ours_ms_p50: float
    plain_ms_p50: float
    times_p50: float
    times_p95: float
    times_cpu: float
    ahead: bool


def duels(rows: Sequence[Row], *, busy: bool) -> list[Duel]:
    """One for each size. On a busy machine CPU time says who is ahead, else both p50 and p95."""
    sides = {(row.chunks, row.side): row for row in rows}
    return [
        _duel(ours, sides[chunks, PLAIN], busy)
        for (chunks, side), ours in sides.items()
        if side == MEANING
    ]


def _duel(ours: Row, plain: Row, busy: bool) -> Duel:
    p50, p95 = plain.ms_p50 / ours.ms_p50, plain.ms_p95 / ours.ms_p95
    cpu = plain.cpu_ms / ours.cpu_ms
    return Duel(
        chunks=ours.chunks,
        ours_ms_p50=ours.ms_p50,
        plain_ms_p50=plain.ms_p50,
        times_p50=round(p50, 2),
        times_p95=round(p95, 2),
        times_cpu=round(cpu, 2),
        ahead=cpu > 1 if busy else min(p50, p95) > 1,
    )


def faults(rows: Sequence[Row], fought: Sequence[Duel], *, busy: bool) -> list[str]:
    """On a machine with more to do than it can, a retrieval is judged by its CPU time."""
    found = []
    for row in rows:
        if row.recall_10 is not None and row.recall_10 < RECALL:
            found.append(f"{row.side} finds {row.recall_10:.2%} among {row.chunks} passages")
        own = row.cpu_ms if busy else row.ms_p95
        if row.side == RETRIEVAL and own > OWN_MS_P95:
            found.append(f"a retrieval among {row.chunks} takes {own:.1f} ms, over {OWN_MS_P95:g}")
    behind = [duel for duel in fought if not duel.ahead]
    return found + [
        f"among {duel.chunks} the plain design is ahead: it takes {duel.times_p50:.2f} times as"
        f" long (p50; p95 {duel.times_p95:.2f}, CPU {duel.times_cpu:.2f})"
        for duel in behind
    ]


def show(console: Console, rows: Sequence[Row], fought: Sequence[Duel], about: str) -> None:
    """Print both tables for people."""
    table = Table(
        *("passages", "side", "ms p50", "p95", "own CPU ms", "Postgres", "statements", "recall@10"),
        title=f"A search, {about}",
    )
    for row in rows:
        inner = row.side in STREAMS
        table.add_row(
            f"{row.chunks:,}",
            row.side,
            f"{row.ms_p50:.2f}",
            f"{row.ms_p95:.2f}",
            "" if inner else f"{row.own_cpu_ms:.2f}",
            "" if inner else f"{row.postgres_cpu_ms:.2f}",
            "" if inner else f"{row.statements:.1f}",
            "" if row.recall_10 is None else f"{row.recall_10:.4f}",
            end_section=row is rows[-1] or rows[rows.index(row) + 1].chunks != row.chunks,
        )
    for column in (0, *range(2, 8)):
        table.columns[column].justify = "right"
    console.print(table)
    console.print(
        "The whole retrieval is what a question waits for before its first model call, but for its"
        " embedding.",
        style="dim",
    )
    _show_duels(console, fought)


def _show_duels(console: Console, fought: Sequence[Duel]) -> None:
    table = Table(
        *("passages", "ours, ms p50", "plain", "plain takes, times p50", "p95", "CPU", "ahead"),
        title="Like for like: the ten nearest by vector, with their texts",
    )
    for duel in fought:
        table.add_row(
            f"{duel.chunks:,}",
            f"{duel.ours_ms_p50:.2f}",
            f"{duel.plain_ms_p50:.2f}",
            f"{duel.times_p50:.1f}",
            f"{duel.times_p95:.1f}",
            f"{duel.times_cpu:.1f}",
            "yes" if duel.ahead else "no",
        )
    for column in table.columns[:6]:
        column.justify = "right"
    console.print(table)
