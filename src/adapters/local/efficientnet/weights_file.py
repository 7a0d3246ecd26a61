"""Arrays from a file of PyTorch's first format, read with nothing of PyTorch.

Such a file is a pickle, and a pickle runs what it names: here it may name four things, all of them
plain data, and nothing at all before the whole file has the SHA-256 that it is known by.

Source: four pickles one after another (magic number, version, system, tensors), the keys of the
storages in order, then each storage: a count of 64 bits and its elements, little-endian.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEADERS = 3
_COUNT_BYTES = 8
Array = NDArray[np.float32] | NDArray[np.int64]


class NotTheseWeights(Exception):
    """The file is another one than was asked for, or no such file at all."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_weights(path: Path, digest: str) -> Mapping[str, Array]:
    """The file's arrays by name. Raises NotTheseWeights, and OSError when it cannot be read."""
    content = path.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise NotTheseWeights(f"{path.name} is not the file that it should be")
    stream = BytesIO(content)
    for _ in range(_HEADERS):
        _Reader(stream).load()
    reader = _Reader(stream)
    tensors, keys = reader.load(), _Reader(stream).load()
    storages = {key: _storage(stream, reader.kinds[key]) for key in keys}
    return {name: _array(one, storages[one.storage]) for name, one in tensors.items()}


class _Reader(pickle.Unpickler):
    """Knows of tensors where they lie in the file, and of nothing else."""

    def __init__(self, stream: BytesIO) -> None:
        super().__init__(stream)
        self.kinds: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Callable[..., object] | str:
        known: dict[tuple[str, str], Callable[..., object] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch", "FloatStorage"): "FloatStorage",
            ("torch", "LongStorage"): "LongStorage",
        }
        if (module, name) not in known:
            raise NotTheseWeights(f"weights have no use for {module}.{name}")
        return known[module, name]

    def persistent_load(self, pid: tuple[object, ...]) -> str:
        _, kind, key, *_ = pid
        self.kinds[str(key)] = str(kind)
        return str(key)


def _tensor(
    storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


def _storage(stream: BytesIO, kind: str) -> Array:
    count = int.from_bytes(stream.read(_COUNT_BYTES), "little")
    if kind == "FloatStorage":
        return np.frombuffer(stream.read(count * 4), np.float32)
    return np.frombuffer(stream.read(count * 8), np.int64)


def _array(tensor: _Tensor, storage: Array) -> Array:
    """The tensor's elements in the order of its dimensions, whatever order the file has them in."""
    places = np.full(tensor.shape, tensor.offset, np.int64)
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.strides, strict=True)):
        along = [1] * len(tensor.shape)
        along[axis] = size
        places += np.arange(size).reshape(along) * stride
    return storage[places]
