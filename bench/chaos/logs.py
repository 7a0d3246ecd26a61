"""What the processes wrote about themselves: a fault is told in a line, never in a traceback."""

from pathlib import Path

_MARK = "Traceback (most recent call last)"


def tracebacks(folder: Path) -> tuple[str, ...]:
    """How many there are in each log of the folder, a line for each log that has one."""
    counts = {
        log.name: log.read_text(errors="replace").count(_MARK) for log in folder.glob("*.log")
    }
    return tuple(
        f"{name} has tracebacks: {count}" for name, count in sorted(counts.items()) if count
    )
