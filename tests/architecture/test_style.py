"""Rules of the house that a linter does not know."""

import ast
import builtins
import re
import sys
from pathlib import Path

import pytest

from architecture.tree import (
    REPOSITORY,
    SRC,
    TESTS,
    calls,
    dotted,
    name_of,
    python_files,
    source,
    texts,
    tracked_files,
)

MOST_LINES = 300
# Tasks that no TaskGroup owns, each with who ends it.
TASK_OWNERS = {
    "adapters/local/jobs.py": "InProcessJobs, in __aexit__",
    "adapters/redis/fan_out.py": "RedisFanOut, in close",
    "application/agents/events.py": "events_of, in its finally",
    "entrypoints/server.py": "serving, through its exit stack",
}
# Readers of the environment besides pydantic-settings, each with the reason.
ENVIRONMENT_READERS = {
    "adapters/postgres/embedded/sockets.py": "where this machine keeps a user's sockets",
    "adapters/postgres/embedded/spawner.py": "hands it on to a child, in part",
    "entrypoints/cli/__init__.py": "sets gRPC's own variables before gRPC is imported",
    "entrypoints/cli/app.py": "options of the command line, by typer",
}
# Files that may write to their standard streams, each with who reads it.
PRINTERS = {
    "adapters/postgres/embedded/child.py": "the parent process",
    "entrypoints/rest/openapi.py": "whoever keeps the document in a file",
}
# What a module outside the domain may call while it is imported, beside Python's own functions:
# nothing here opens, connects or starts anything.
HARMLESS_AT_IMPORT = frozenset(
    {
        *("ContextVar", "MappingProxyType", "NewType", "Path", "Path().with_name", "TypeVar"),
        *("datetime", "json.JSONEncoder", "logging.getLogger", "re.compile", "statements"),
        *("shutil.ignore_patterns", "struct.Struct", "file.DESCRIPTOR.services_by_name.values"),
        *("Console", "EmbeddingModel", "Field", "app.add_typer", "httpx.Timeout", "typer.Option"),
        *("typer.Typer", "os.environ.setdefault", "os.register_at_fork"),
        *(set(dir(builtins)) - {"__import__", "breakpoint", "eval", "exec", "input", "open"}),
    }
)
CLOCKS_AND_CHANCE = frozenset(
    {"asyncio", "random", "secrets", "socket", "subprocess", "threading", "time", "os", "logging"}
)
_NOW = re.compile(r"(?:^|\.)(?:now|utcnow|today|uuid1|uuid4|open|read_text|read_bytes)$")
_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
# Put together here, or this file would report itself.
_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
_ELSEWHERE = re.compile(
    "|".join(map(re.escape, _HOSTS)) + r"|(?<![\w.~-])/(?:home|root|work|Users)/[\w.]", re.I
)
_NOT_OURS = ("third_party/",)


def bare_tasks(tree: ast.Module) -> list[int]:
    """Lines that start a task which no TaskGroup of the file owns."""
    groups = {
        item.optional_vars.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name)
        and dotted(item.context_expr).endswith("TaskGroup()")
    }
    groups |= {
        argument.arg
        for argument in ast.walk(tree)
        if isinstance(argument, ast.arg)
        and argument.annotation is not None
        and dotted(argument.annotation).endswith("TaskGroup")
    }
    found = []
    for call in calls(tree):
        receiver, _, verb = dotted(call.func).rpartition(".")
        if verb == "ensure_future" or (verb == "create_task" and receiver not in groups):
            found.append(call.lineno)
    return sorted(found)


def calls_at_import(tree: ast.Module) -> list[str]:
    """What importing the file calls, except in functions and classes, and on a literal."""
    found = []
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        if isinstance(node, ast.Call) and not dotted(node.func).startswith("?"):
            found.append(dotted(node.func))
        waiting += ast.iter_child_nodes(node)
    return found


def reads_environment(tree: ast.Module) -> bool:
    """Whether the file looks at the process's environment in any way."""
    names = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }
    options = {keyword.arg for call in calls(tree) for keyword in call.keywords}
    wanted = {"environ", "environb", "getenv"}
    return bool(
        {f"os.{name}" for name in wanted} & names or wanted & imported or "envvar" in options
    )


def prints(tree: ast.Module) -> bool:
    """Whether the file writes to its standard streams by itself."""
    names = {dotted(call.func) for call in calls(tree)}
    return bool(names & {"print", "sys.stdout.write", "sys.stderr.write"})


def impurities(tree: ast.Module) -> list[str]:
    """What a pure core has no use for."""
    found = [
        f"line {node.lineno}: async"
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await)
    ]
    for module in imported_modules(tree):
        root = module.partition(".")[0]
        if root != "domain" and root not in sys.stdlib_module_names - CLOCKS_AND_CHANCE:
            found.append(f"imports {module}")
    found += [f"calls {name}" for c in calls(tree) if _NOW.search(name := dotted(c.func))]
    return found


def imported_modules(tree: ast.Module) -> list[str]:
    """Full names; a relative import is told by its dots."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def lines_with(pattern: re.Pattern[str], name: str, text: str) -> list[str]:
    """`file:line: match` for each line in which the pattern occurs."""
    return [
        f"{name}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def lock_faults(text: str) -> list[str]:
    """Requirements without a pin or a hash, and lines that say where to download from."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    entries = re.split(r"(?<!\\)\n", "\n".join(lines))
    found = [f"names a place: {entry}" for entry in entries if "://" in entry]
    for entry in entries:
        requirement = entry.split("\\\n", 1)[0].strip()
        if requirement.startswith("-"):
            found.append(f"an option: {requirement}")
        elif "==" not in requirement:
            found.append(f"no pin: {requirement}")
        elif not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry):
            found.append(f"no hash: {requirement}")
    return found


def _ours() -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts(tracked_files()) if not name.startswith(_NOT_OURS)]


def test_every_task_has_an_owner() -> None:
    bare = {name_of(path) for path in python_files() if bare_tasks(source(path))}
    assert bare == set(TASK_OWNERS)


@pytest.mark.parametrize("name", TASK_OWNERS)
def test_an_owner_starts_its_tasks_in_one_place(name: str) -> None:
    assert len(bare_tasks(source(SRC / name))) == 1


def test_importing_a_module_opens_nothing() -> None:
    files = set(python_files()) - set(python_files(SRC / "domain"))
    called = {name_of(path): set(calls_at_import(source(path))) for path in files}
    unknown = {name: found - HARMLESS_AT_IMPORT for name, found in called.items()}
    assert {name: found for name, found in unknown.items() if found} == {}


def test_no_file_of_ours_is_too_long_to_read() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name_of(p): lines for p, lines in lengths.items() if lines > MOST_LINES} == {}


def test_only_the_settings_read_the_environment() -> None:
    readers = {name_of(path) for path in python_files() if reads_environment(source(path))}
    assert readers == set(ENVIRONMENT_READERS)


@pytest.mark.parametrize("path", python_files(SRC / "domain"), ids=name_of)
def test_the_domain_is_pure(path: Path) -> None:
    assert impurities(source(path)) == []


def test_nothing_prints_but_the_terminal() -> None:
    assert {name_of(path) for path in python_files() if prints(source(path))} == set(PRINTERS)


def test_nothing_is_left_to_be_done_in_the_text() -> None:
    assert [line for name, text in _ours() for line in lines_with(_UNFINISHED, name, text)] == []


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    assert [line for name, text in _ours() for line in lines_with(_ELSEWHERE, name, text)] == []


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "requirements").glob("*.lock")), ids=lambda path: path.stem
)
def test_a_lock_pins_every_requirement_by_hash_and_names_no_place(path: Path) -> None:
    assert lock_faults(path.read_text(encoding="utf-8")) == []


def test_no_package_in_the_tests_can_stand_before_one_of_ours() -> None:
    assert not (TESTS / "__init__.py").exists()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("async def f():\n    asyncio.create_task(g())", [2]),
        ("async def f():\n    asyncio.get_running_loop().create_task(g())", [2]),
        ("async def f():\n    asyncio.ensure_future(g())", [2]),
        ("async def f():\n  async with asyncio.TaskGroup() as t:\n    t.create_task(g())", []),
        ("def f(t: asyncio.TaskGroup):\n    t.create_task(g())", []),
        ("async def f():\n  async with asyncio.timeout(1) as t:\n    t.create_task(g())", [3]),
    ],
)
def test_the_check_finds_tasks_without_an_owner(text: str, lines: list[int]) -> None:
    assert bare_tasks(ast.parse(text)) == lines


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("pool = asyncpg.create_pool()", ["asyncpg.create_pool"]),
        ("try:\n    client = Redis.from_url(URL)\nexcept OSError:\n    pass", ["Redis.from_url"]),
        ("A = {'k': [open('f')]}", ["open"]),
        ("if __name__ == '__main__':\n    main()", []),
        ("def f(): return open('f')\nclass C:\n    x = g()\nh = lambda: open('f')", []),
    ],
)
def test_the_check_finds_what_an_import_calls(text: str, called: list[str]) -> None:
    assert calls_at_import(ast.parse(text)) == called
    assert HARMLESS_AT_IMPORT.isdisjoint(called)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os\nos.getenv('A')",
        "from os import environ",
        "typer.Option('--a', envvar='A')",
    ],
)
def test_the_check_finds_readers_of_the_environment(text: str) -> None:
    assert reads_environment(ast.parse(text))


def test_the_check_lets_other_uses_of_os_pass() -> None:
    assert not reads_environment(ast.parse("import os\nos.getpid()"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("async def f(): ...", ["line 1: async"]),
        ("import pydantic", ["imports pydantic"]),
        ("from application.context import RequestContext", ["imports application.context"]),
        ("import random", ["imports random"]),
        ("from . import errors", ["imports ."]),
        ("datetime.now(UTC)", ["calls datetime.now"]),
        ("import re\nfrom domain.errors import NotFound\nre.compile('a')", []),
    ],
)
def test_the_check_tells_a_pure_module_from_others(text: str, told: list[str]) -> None:
    assert impurities(ast.parse(text)) == told


def test_the_check_finds_printing() -> None:
    assert prints(ast.parse("print('a')"))
    assert prints(ast.parse("sys.stdout.write('a')"))
    assert not prints(ast.parse("console.print('a')"))


@pytest.mark.parametrize(
    "text", ["x = 1  # TODO: later", "a\nsee https://" + _HOSTS[0] + "/simple", "cd /home/me/x"]
)
def test_the_check_finds_words_that_must_not_stand(text: str) -> None:
    assert lines_with(_UNFINISHED, "f", text) or lines_with(_ELSEWHERE, "f", text)


@pytest.mark.parametrize("text", ["todo lists", "GET /v1/work/x", "a/home/b", "~/work/x", "/root"])
def test_the_check_lets_ordinary_words_pass(text: str) -> None:
    assert lines_with(_UNFINISHED, "f", text) == lines_with(_ELSEWHERE, "f", text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--index-url https://somewhere/simple\n", "names a place"),
        ("--index-url somewhere\n", "an option"),
        ("rich==14.0 \\\n    --hash=sha256:" + "a" * 64 + "\nidna==3.0\n", "no hash: idna==3.0"),
        ("rich==14.0 \\\n    --hash=md5:aaaa\n", "no hash: rich==14.0"),
        ("rich>=14 \\\n    --hash=sha256:" + "a" * 64 + "\n", "no pin: rich>=14"),
    ],
)
def test_the_check_finds_what_is_wrong_with_a_lock(text: str, told: str) -> None:
    assert lock_faults(text)[0].startswith(told)
