"""The models that `obelisk models pull NAME` knows.

None ship with the program: an entry pins a SHA-256, and a pin is worth something only where
whoever wrote it down has seen the file. Operators keep their own in `models.toml`:

    [models.my-model]
    url = "https://example.org/my-model.gguf"
    sha256 = "64 hexadecimal digits"
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidInput, NotFound

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class InvalidModelEntry(InvalidInput):
    reason = "INVALID_MODEL_ENTRY"


class ModelNotInCatalogue(NotFound):
    reason = "MODEL_NOT_IN_CATALOGUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One GGUF file, where it is, and the SHA-256 (lower-case hexadecimal) that it must have."""

    name: str
    url: str
    sha256: str

    def __post_init__(self) -> None:
        """Raises:
        InvalidInput: a part is malformed (reason INVALID_MODEL_ENTRY, with its field).
        """
        if not _NAME.fullmatch(self.name):
            raise InvalidModelEntry(
                f"a model's name is 1 to 64 of a-z 0-9 . _ -, not {self.name!r}", field="name"
            )
        if not self.url.startswith(("https://", "http://")):
            raise InvalidModelEntry(
                f"the address of {self.name} begins with https:// or http://", field="url"
            )
        if not _SHA256.fullmatch(self.sha256):
            raise InvalidModelEntry(
                f"the SHA-256 of {self.name} has 64 lower-case hexadecimal digits", field="sha256"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCatalogue:
    entries: Mapping[str, ModelEntry]

    def find(self, name: str) -> ModelEntry:
        """Raises:
        NotFound: no such entry; the message names those that there are.
        """
        if name not in self.entries:
            known = ", ".join(sorted(self.entries)) or "none yet"
            raise ModelNotInCatalogue(
                f"no model {name!r} in models.toml (known: {known});"
                " add it there, or give --url and --sha256"
            )
        return self.entries[name]


def read_catalogue(path: Path) -> ModelCatalogue:
    """The entries of the file; none if there is no file.

    Raises:
        InvalidInput: the file is not TOML, or an entry is malformed.
    """
    if not path.exists():
        return ModelCatalogue(entries={})
    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("models", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidModelEntry(f"{path.name} is not TOML: {error}") from error
    if not isinstance(tables, dict):
        raise InvalidModelEntry(f"{path.name}: models must be a table")
    return ModelCatalogue(entries={name: _entry(name, table) for name, table in tables.items()})


def _entry(name: str, table: object) -> ModelEntry:
    values = table if isinstance(table, dict) else {}
    url, sha256 = values.get("url"), values.get("sha256")
    if not isinstance(url, str) or not isinstance(sha256, str):
        raise InvalidModelEntry(f"the entry {name!r} needs url and sha256, as text")
    return ModelEntry(name=name, url=url, sha256=sha256.lower())
