"""A port is one small, documented Protocol with a contract suite that runs on two adapters."""

import ast
import inspect
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from architecture.tree import SRC, TESTS, source

CONTRACTS = TESTS / "contracts"
MOST_METHODS = 6
PORTS = sorted(
    path.stem for path in (SRC / "application" / "ports").glob("*.py") if path.stem != "__init__"
)
# Ports whose suite runs on one adapter for now, each with the reason.
ONE_ADAPTER = {
    "embedding_rollouts": "what serves an installation is a fact of its database",
    "jobs": "each process does its own work; what is shared stands behind Workers",
    "token_signer": "RS256 is the only algorithm that is accepted, on purpose",
}


class TwoNotes(Protocol):
    """A port with everything that a port must have."""

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    def read(self) -> str:
        """The note."""
        ...


class Undocumented(Protocol):
    def first(self) -> None: ...


class Wide(Protocol):
    """Too much for one port."""

    def a(self) -> None:
        """One."""

    def b(self) -> None:
        """Two."""

    def c(self) -> None:
        """Three."""

    def d(self) -> None:
        """Four."""

    def e(self) -> None:
        """Five."""

    def f(self) -> None:
        """Six."""

    def g(self) -> None:
        """Seven."""


class Mutable:
    """Neither a Protocol nor a value."""


class PaperNote:
    """Has all that `TwoNotes` asks for; `title` is set where it is made."""

    def __init__(self) -> None:
        self.title = "paper"

    def read(self) -> str:
        return ""


def members(port: type) -> dict[str, object]:
    """The public methods and properties that a Protocol asks for, by name."""
    return {
        name: member
        for name, member in vars(port).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }


def faults(port: type) -> list[str]:
    """What keeps this Protocol from being a good port."""
    asked = members(port)
    found = [f"{name} has no docstring" for name, member in asked.items() if not member.__doc__]
    if not port.__doc__:
        found.append("the class has no docstring")
    if not asked:
        found.append("it asks for nothing")
    if len(asked) > MOST_METHODS:
        found.append(f"{len(asked)} methods, at most {MOST_METHODS}")
    return found


def is_protocol(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def classes_of(module: ModuleType) -> list[type]:
    """The classes that the module defines itself."""
    found = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [kind for kind in found if kind.__module__ == module.__name__]


def is_value(kind: type) -> bool:
    """A frozen dataclass."""
    return is_dataclass(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # typeshed lacks it


def module_of(port: str) -> ModuleType:
    return import_module(f"application.ports.{port}")


def main_protocol(port: str) -> type:
    """The Protocol that the file is named after."""
    kind: type = getattr(module_of(port), "".join(word.title() for word in port.split("_")))
    return kind


@cache
def text_of(kind: type) -> str:
    """The class as it stands in its file, which takes long to cut out."""
    return inspect.getsource(kind)


def offers(kind: type, port: type) -> bool:
    """Whether the class has every member of the Protocol, by name."""
    return all(hasattr(kind, name) or f"self.{name} = " in text_of(kind) for name in members(port))


@cache
def imported_classes(tree: ast.Module) -> frozenset[type]:
    """The classes of ours that a suite names, directly or through what it shares with others."""
    found: set[type] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        root = node.module.partition(".")[0]
        if root == "fixtures":
            found |= imported_classes(source(TESTS / f"{node.module.replace('.', '/')}.py"))
        elif root in ("adapters", "application"):
            module = import_module(node.module)
            named = [getattr(module, alias.name, None) for alias in node.names]
            found |= {kind for kind in named if inspect.isclass(kind) and not is_protocol(kind)}
    return frozenset(found)


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def shares(suite: ast.Module, conftest: ast.Module) -> bool:
    """Whether a test of the suite takes a fixture of its conftest."""
    offered = {function.name for function in functions(conftest)}
    taken = {argument.arg for f in functions(suite) for argument in f.args.args}
    return bool(offered & taken)


def adapters_of(suite: ast.Module, port: type) -> set[type]:
    """The adapters of `port` that its contract suite can run on."""
    conftest = source(CONTRACTS / "conftest.py")
    named = imported_classes(suite)
    if shares(suite, conftest):
        named |= imported_classes(conftest)
    return {kind for kind in named if offers(kind, port)}


def suite_of(port: str) -> Path:
    return CONTRACTS / f"test_{port}.py"


@pytest.mark.parametrize("port", PORTS)
def test_a_port_file_holds_one_main_protocol_and_only_values_beside_it(port: str) -> None:
    defined = classes_of(module_of(port))
    assert main_protocol(port) in defined
    assert [kind.__name__ for kind in defined if not is_protocol(kind) and not is_value(kind)] == []


@pytest.mark.parametrize("port", PORTS)
def test_a_port_is_small_and_documented(port: str) -> None:
    protocols = [kind for kind in classes_of(module_of(port)) if is_protocol(kind)]
    assert {kind.__name__: faults(kind) for kind in protocols if faults(kind)} == {}


@pytest.mark.parametrize("port", PORTS)
def test_a_port_has_a_contract_suite(port: str) -> None:
    assert suite_of(port).is_file()
    names = [function.name for function in functions(source(suite_of(port)))]
    assert [name for name in names if name.startswith("test_")]


@pytest.mark.parametrize("port", PORTS)
def test_a_contract_suite_runs_on_two_adapters(port: str) -> None:
    found = adapters_of(source(suite_of(port)), main_protocol(port))
    enough = 1 if port in ONE_ADAPTER else 2
    assert len(found) >= enough, f"{port} runs on {sorted(kind.__name__ for kind in found)}"


@pytest.mark.parametrize("port", ONE_ADAPTER)
def test_an_exception_is_dropped_when_a_second_adapter_has_come(port: str) -> None:
    assert len(adapters_of(source(suite_of(port)), main_protocol(port))) == 1


def test_every_contract_suite_is_of_a_port() -> None:
    suites = {path.stem.removeprefix("test_") for path in CONTRACTS.glob("test_*.py")}
    assert suites - set(PORTS) == set()


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (Undocumented, ["first has no docstring", "the class has no docstring"]),
        (Wide, ["7 methods, at most 6"]),
        (Mutable, ["it asks for nothing"]),
        (TwoNotes, []),
    ],
)
def test_the_check_tells_a_bad_port_from_a_good_one(bad: type, told: list[str]) -> None:
    assert faults(bad) == told


def test_the_check_tells_a_protocol_from_a_value_and_from_neither() -> None:
    assert is_protocol(TwoNotes)
    assert not is_protocol(Mutable)
    assert not is_value(Mutable)
    assert is_value(module_of("tool").ToolInput)


def test_the_check_counts_only_classes_that_offer_the_whole_port() -> None:
    assert offers(PaperNote, TwoNotes)
    assert not offers(Mutable, TwoNotes)


@pytest.mark.parametrize(
    ("suite", "names"),
    [
        ("from adapters.local.clock import SystemClock", {"SystemClock"}),
        ("from adapters.local.entropy import SystemEntropy", set()),
        ("from application.ports.clock import Clock", set()),
        ("from fixtures.stores import Stores", {"FixedClock"}),
        ("def test_it(stores): ...", {"FixedClock"}),
        ("def test_it(other): ...", set()),
    ],
)
def test_the_check_finds_the_adapters_that_a_suite_names(suite: str, names: set[str]) -> None:
    clock = main_protocol("clock")
    assert {kind.__name__ for kind in adapters_of(ast.parse(suite), clock)} == names
