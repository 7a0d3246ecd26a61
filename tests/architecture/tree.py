"""The repository as files, read once."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SRC = REPOSITORY / "src"
TESTS = REPOSITORY / "tests"


@cache
def source(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def python_files(folder: Path = SRC) -> tuple[Path, ...]:
    """Everything written by hand, in order."""
    found = sorted(folder.rglob("*.py"))
    return tuple(path for path in found if not path.is_relative_to(SRC / "obelisk" / "v1"))


def name_of(path: Path) -> str:
    """How messages and tables of exceptions name a file of ours: from `src` on."""
    return path.relative_to(SRC).as_posix()


@cache
def tracked_files() -> tuple[Path, ...]:
    """Everything that git keeps, and that is still there."""
    # A clone that belongs to somebody else is read all the same.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    paths = [REPOSITORY / name for name in listed.decode().split("\0") if name]
    return tuple(path for path in paths if path.is_file())


def texts(paths: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """Name in the repository and text of each file that is text."""
    for path in paths:
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(REPOSITORY).as_posix(), content.decode(errors="replace")


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call below `tree`."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or an attribute; a call on the way reads `()`, anything else `?`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{dotted(value)}.{attribute}"
        case ast.Call(func=function):
            return f"{dotted(function)}()"
        case _:
            return "?"
