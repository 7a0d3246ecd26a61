"""Rules of the house that a linter does not know."""

import ast
import builtins
import re
import sys
from pathlib import Path

import pytest

from architecture.tree import (
    SRC,
    calls,
    dotted,
    name_of,
    python_files,
    source,
)

MOST_LINES = 300
# Tasks that no TaskGroup owns, each with who ends it.
TASK_OWNERS = {
    "adapters/postgres/accepts.py": "GatheredAccepts: each ends when nobody waits for it",
    "adapters/postgres/group_commit.py": "GroupCommit: each ends with its one commit",
    "adapters/procrastinate/engine.py": "engine, in its finally",
    "adapters/redis/fan_out.py": "RedisFanOut, in close",
    "application/agents/events.py": "events_of, in its finally",
    "application/daily.py": "daily, in its finally",
    "application/documents/look_again.py": "LookAgain, in the finally of at_work",
    "application/embeddings/roll_out.py": "RollOutEmbeddings, in the finally of at_work",
    "application/auth/authority.py": "AuthorityWatch, in close",
    "application/auth/keys.py": "Keyring, in close",
    "application/conversations/folding.py": "Folding, in the finally of at_work",
    "application/runs/follow.py": "Followers: each ends with its run or its last watcher",
    "application/runs/at_work.py": "AtWork, in stop, which the dispatcher's exit calls",
    "application/runs/dispatch.py": "Dispatcher, in __aexit__",
    "application/speculative.py": "Speculative: each ends with who began it, or in close",
    "application/unbroken.py": "unbroken, which does not leave before its task is done",
    "entrypoints/grpc/interceptors/open_streams.py": "OpenStreams, in close",
    "entrypoints/cli/tokens.py": "local_tokens, in its finally",
    "entrypoints/server.py": "serving, through its exit stack",
}
# Readers of the environment besides pydantic-settings, each with the reason.
ENVIRONMENT_READERS = {
    "adapters/langgraph/__init__.py": "sets LangGraph's own variable before it is imported",
    "adapters/local/openmp.py": "hands it on to a child, with a search path added",
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
        *("ContextVar", "MappingProxyType", "NewType", "ParamSpec", "TypeVar"),
        *("Path", "Path().with_name"),
        *("Rate", "StringConstraints", "UserId", "uuid5"),
        *("datetime", "timedelta", "json.JSONEncoder", "logging.getLogger", "re.compile"),
        "statements",
        *("shutil.ignore_patterns", "struct.Struct", "file.DESCRIPTOR.services_by_name.values"),
        *("Console", "EmbeddingModel", "Field", "app.add_typer", "httpx.Timeout", "typer.Option"),
        *("BoundingBox", "DoclingLimits", "_Reader", "jwt.PyJWS"),
        *("HTMLBackendOptions.model_validate", "MsExcelBackendOptions.model_validate"),
        *("typer.Typer", "os.environ.setdefault", "os.register_at_fork"),
        *(set(dir(builtins)) - {"__import__", "breakpoint", "eval", "exec", "input", "open"}),
    }
)
CLOCKS_AND_CHANCE = frozenset(
    {"asyncio", "random", "secrets", "socket", "subprocess", "threading", "time", "os", "logging"}
)
_NOW = re.compile(r"(?:^|\.)(?:now|utcnow|today|uuid1|uuid4|open|read_text|read_bytes)$")


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
