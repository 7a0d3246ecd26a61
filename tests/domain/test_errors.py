"""The tree of errors: ten kinds, and leaves with reasons of their own."""

import pkgutil
import re
from importlib import import_module

import pytest

import application
import domain
from domain import errors
from domain.errors import InvalidInput, ObeliskError

KINDS = ObeliskError.__subclasses__()


def _leaves() -> list[type[ObeliskError]]:
    for package in (domain, application):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    found, seen = list(KINDS), set(KINDS)
    for kind in found:
        new = [leaf for leaf in kind.__subclasses__() if leaf not in seen]
        seen.update(new)
        found.extend(new)
    ours = ("domain.", "application.")
    return [e for e in found if e not in KINDS and e.__module__.startswith(ours)]


def test_there_are_ten_kinds_and_each_is_in_the_picture() -> None:
    assert len(KINDS) == 10
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in KINDS)


def test_every_reason_is_stable_to_read_and_its_own() -> None:
    reasons = [error.reason for error in [*KINDS, *_leaves()]]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", reason) for reason in reasons)
    assert len(reasons) > 25
    assert len(set(reasons)) == len(reasons)


@pytest.mark.parametrize("error", _leaves(), ids=lambda error: error.reason)
def test_every_leaf_is_of_one_kind(error: type[ObeliskError]) -> None:
    assert sum(issubclass(error, kind) for kind in KINDS) == 1


def test_an_error_carries_message_field_and_metadata() -> None:
    error = InvalidInput("too long", field="title", metadata={"limit": "200"})
    assert (str(error), error.message, error.field) == ("too long", "too long", "title")
    assert (error.reason, error.metadata) == ("INVALID_INPUT", {"limit": "200"})
