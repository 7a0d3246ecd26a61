"""The figures of a long conversation, as tables for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.measuring import quantile
from bench.report import console
from rich.table import Table

# Turns that stand for a conversation's beginning, and how many stand for its end.
EARLY, LATE_TURNS = (10, 30), 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`prompt_tokens` as the model counts them; times in milliseconds."""

    first_token_ms: float
    whole_ms: float
    cpu_ms: float
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians over some turns; `kept_kb` is what each of them has left in Postgres."""

    turns: str
    first_token_ms: float
    whole_ms: float
    cpu_ms: float
    prompt_tokens: float
    kept_kb: float


# By how many turns had been asked, in both conversations.
Sizes = dict[int, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`early` are turns of a second conversation, asked by turns with the `last` of the first."""

    first: Sequence[Turn]
    early: Sequence[Turn]
    last: Sequence[Turn]


def rows_of(measured: Measured, sizes: Sizes, turns: int) -> list[Row]:
    """The last three are what is judged: early turns, late turns beside them, and all there is."""
    begin, end = EARLY
    first, early, last = measured.first, measured.early, measured.last
    middle, final = turns - LATE_TURNS, turns + end
    kept = _kept(sizes, begin, middle)
    return [
        _row(f"{begin + 1}-{end}", first[begin:end], kept),
        _row(f"{end + 1}-{middle}", first[end:], kept),
        _row(f"{begin + 1}-{end}, of another", early, _kept(sizes, middle, final)),
        _row(f"{middle + 1}-{turns}, beside it", last, _kept(sizes, middle, final)),
        _row(f"{begin + 1}-{turns} and the other", [*first[begin:], *early, *last], _kept(sizes)),
    ]


def _row(turns: str, measured: Sequence[Turn], kept_kb: float) -> Row:
    return Row(
        turns=turns,
        first_token_ms=round(quantile([t.first_token_ms for t in measured], 0.5), 1),
        whole_ms=round(quantile([t.whole_ms for t in measured], 0.5), 1),
        cpu_ms=round(quantile([t.cpu_ms for t in measured], 0.5), 1),
        prompt_tokens=round(quantile([t.prompt_tokens for t in measured], 0.5)),
        kept_kb=kept_kb,
    )


def _kept(sizes: Sizes, first: int | None = None, end: int | None = None) -> float:
    """KB a turn between two measurements, or between the first and the last."""
    first, end = min(sizes) if first is None else first, max(sizes) if end is None else end
    grown = sum(sizes[end].values()) - sum(sizes[first].values())
    return round(grown / 1024 / (end - first), 1)


def show(rows: Sequence[Row], about: str) -> None:
    """Print what turns cost."""
    table = Table(
        *("turns", "first token ms p50", "whole ms p50", "CPU ms", "prompt tokens", "kept KB/turn"),
        title=f"What a turn costs ({about})",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, float) else str(v) for v in asdict(row).values()))
    console.print(table)


def show_kept(sizes: Sizes) -> None:
    """Print which tables keep it."""
    first, last = sizes[min(sizes)], sizes[max(sizes)]
    grown = {name: last[name] - first.get(name, 0) for name in last}
    table = Table("table", "kept KB/turn", title="What is kept of a turn, where")
    table.columns[1].justify = "right"
    for name, size in sorted(grown.items(), key=lambda item: -item[1]):
        if size > 0:
            table.add_row(name, f"{size / 1024 / (max(sizes) - min(sizes)):,.2f}")
    console.print(table)
