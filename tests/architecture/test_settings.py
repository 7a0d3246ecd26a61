"""Every setting is described where it is defined and documented where people look."""

import re

from pydantic import Field
from pydantic_settings import BaseSettings

from architecture.tree import REPOSITORY
from entrypoints.settings import Settings

DOCUMENTS = ("README.md", "docs/configuration.md")
# Variables of the command line alone; `entrypoints/cli/app.py` defines them.
COMMAND_LINE = {"OBELISK_SERVER", "OBELISK_SPACE"}
_VARIABLE = re.compile(r"\bOBELISK_[A-Z0-9_]*[A-Z0-9]\b")


def variables(settings: type[BaseSettings]) -> set[str]:
    """The environment variables of the settings."""
    return {f"OBELISK_{name.upper()}" for name in settings.model_fields}


def undescribed(settings: type[BaseSettings]) -> list[str]:
    """Settings that do not say what they are for, in a sentence."""
    return [
        name
        for name, field in settings.model_fields.items()
        if not (field.description or "").strip().endswith(".")
    ]


def mentioned(text: str) -> set[str]:
    """The variables that a text names."""
    return set(_VARIABLE.findall(text))


def documentation() -> str:
    paths = [REPOSITORY / name for name in DOCUMENTS]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def test_every_setting_says_what_it_is_for() -> None:
    assert undescribed(Settings) == []


def test_every_setting_is_documented() -> None:
    assert variables(Settings) - mentioned(documentation()) == set()


def test_every_documented_variable_exists() -> None:
    assert mentioned(documentation()) - variables(Settings) - COMMAND_LINE == set()


def test_the_check_finds_a_setting_that_nobody_described_or_documented() -> None:
    class Bad(BaseSettings):
        named: int = Field(default=1, description="Something.")
        forgotten: int = 2

    assert undescribed(Bad) == ["forgotten"]
    assert variables(Bad) - mentioned("set OBELISK_NAMED, or OBELISK_NAMED_TOO.") == {
        "OBELISK_FORGOTTEN"
    }
