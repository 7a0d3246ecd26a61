"""Finds the OpenMP runtime that llama.cpp is linked to and does not bring along.

A small system has no `libgomp.so.1`. A wheel among the dependencies holds a copy, under a name of
its own that the loader would not match; a link with the right name, on the search path, it does.
"""

import ctypes
import importlib.metadata
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_LIBRARY = "libgomp.so.1"
# Nothing else of this package is used; why it is this one: docs/adr/0008.
_CARRIER = "treelite"


def environment_with_openmp(folder: Path) -> Mapping[str, str]:
    """The environment for a child that loads llama.cpp: ours, where the system has the library.

    Else it also names `folder`, the child's own, which gets a link to the copy.
    """
    copy = None if sys.platform != "linux" or _system_has_it() else _copy()
    if copy is None:
        return os.environ
    (folder / _LIBRARY).symlink_to(copy)
    paths = (str(folder), os.environ.get("LD_LIBRARY_PATH"))
    # Without empty parts: to the loader they mean the working directory.
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(path for path in paths if path)}


def _system_has_it() -> bool:
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def _copy() -> Path | None:
    try:
        files = importlib.metadata.files(_CARRIER) or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    copies = (Path(str(file.locate())).resolve() for file in files if _is_libgomp(file.name))
    return next((copy for copy in copies if copy.is_file()), None)


def _is_libgomp(name: str) -> bool:
    return name.startswith("libgomp") and ".so" in name
