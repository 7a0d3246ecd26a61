"""The folder of docling's layout models, checked before anything is read."""

import importlib.util
from pathlib import Path

from domain.errors import InvalidInput

_LAYOUT = "docling-project--docling-layout-heron"
_TABLES = "docling-project--docling-models/model_artifacts/tableformer/accurate"
# What docling opens first in each; a download that broke off lacks the weights.
_WANTED = {_LAYOUT: "preprocessor_config.json", _TABLES: "tm_config.json"}
_WEIGHTS = "*.safetensors"
_PARTS_OF_THE_EXTRA = ("torch", "torchvision", "transformers", "docling_ibm_models")


def is_extra_installed() -> bool:
    """Whether the extra `layout` is there."""
    return all(importlib.util.find_spec(name) for name in _PARTS_OF_THE_EXTRA)


def checked_folder(folder: Path, *, with_extra: bool) -> Path:
    """The folder as an absolute path.

    Raises:
        InvalidInput: the extra is missing, or docling's models are not in the folder.
    """
    if not with_extra:
        raise InvalidInput(
            "OBELISK_LAYOUT_MODELS is set, and full docling is not installed: "
            "install requirements/layout.lock as docs/documents.md says, or leave the setting out"
        )
    whole = folder.expanduser().resolve()
    if not whole.is_dir():
        raise InvalidInput(f"OBELISK_LAYOUT_MODELS names no folder: {whole}; {_fetched(whole)}")
    missing = [name for name, first in _WANTED.items() if not _holds(whole / name, first)]
    if missing:
        raise InvalidInput(
            f"OBELISK_LAYOUT_MODELS names {whole}, which lacks docling's models, or a part of them,"
            f" in {' and '.join(missing)}; {_fetched(whole)}"
        )
    return whole


def _holds(folder: Path, first: str) -> bool:
    return (folder / first).is_file() and any(folder.glob(_WEIGHTS))


def _fetched(folder: Path) -> str:
    return (
        "on a machine with network, with the extra installed, "
        f"`docling-tools models download layout tableformer -o {folder}` fetches them"
    )
