import hashlib
import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from adapters.local.efficientnet import weights_file
from adapters.local.efficientnet.model import EfficientNet
from adapters.local.efficientnet.weights_file import NotTheseWeights, read_weights
from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.pictures import EfficientNetEmbedder
from adapters.local.weights import packaged_embedding_model, packaged_picture_model
from domain.errors import Unavailable
from fixtures.photos import CAT, COFFEE


@pytest.fixture(scope="module")
def network() -> EfficientNet:
    return EfficientNet(packaged_picture_model())


def test_the_network_sees_what_a_photograph_shows(network: EfficientNet) -> None:
    for picture, shown in ((CAT, "cat"), (COFFEE, "espresso")):
        _, shares = network.look(picture)
        assert shown in max(shares, key=lambda name: shares[name])
        assert 0.5 < sum(shares.values()) <= 1.0


def test_there_is_a_name_for_each_class(network: EfficientNet) -> None:
    assert len(network.names) == 1000
    assert (network.names[0], network.names[967]) == ("tench, Tinca tinca", "espresso")


def test_another_file_is_not_even_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "sprung"),)

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(NotTheseWeights):
        read_weights(path, "0" * 64)
    with pytest.raises(NotTheseWeights):
        read_weights(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("named", ["os system", "builtins eval", "numpy load", "torch load"])
def test_weights_name_nothing_but_tensors(named: str) -> None:
    stream = BytesIO(f"c{named.replace(' ', chr(10))}\n.".encode())
    with pytest.raises(NotTheseWeights, match=named.split()[1]):
        weights_file._Reader(stream).load()


def test_a_tensor_that_lies_crosswise_is_read_in_its_own_order() -> None:
    tensor = weights_file._Tensor("s", 1, (2, 3), (1, 2))
    laid = weights_file._array(tensor, np.arange(8))
    assert laid.tolist() == [[1, 3, 5], [2, 4, 6]]


async def test_weights_that_are_not_there_make_it_unavailable(tmp_path: Path) -> None:
    texts = MiniLmEmbedder(packaged_embedding_model())
    embedder = EfficientNetEmbedder(tmp_path / "none.pth", texts)
    with pytest.raises(Unavailable) as refused:
        await embedder.embed_pictures([CAT])
    assert refused.value.reason == "VISUAL_EMBEDDER_UNAVAILABLE"
    await embedder.close()
    await texts.close()


async def test_damaged_weights_make_it_unavailable_until_they_are_mended(tmp_path: Path) -> None:
    texts = MiniLmEmbedder(packaged_embedding_model())
    whole, path = packaged_picture_model().read_bytes(), tmp_path / "weights.pth"
    path.write_bytes(whole[:-9] + b"bit flips")
    embedder = EfficientNetEmbedder(path, texts)
    for attempt in (embedder.embed_pictures([CAT]), embedder.embed_picture_query(CAT)):
        with pytest.raises(Unavailable, match=r"weights\.pth is not a usable picture model"):
            await attempt
    path.write_bytes(whole)
    assert await embedder.embed_pictures([CAT])
    await embedder.close()
    await texts.close()


async def test_a_closed_embedder_refuses() -> None:
    texts = MiniLmEmbedder(packaged_embedding_model())
    embedder = EfficientNetEmbedder(packaged_picture_model(), texts)
    await embedder.close()
    for attempt in (embedder.embed_pictures([CAT]), embedder.embed_query("a cat")):
        with pytest.raises(Unavailable):
            await attempt
    await texts.close()


def test_nothing_is_loaded_before_the_first_picture() -> None:
    program = (
        "import sys; import adapters.local.pictures; "
        "assert not {'onnx', 'onnxruntime', 'numpy', 'PIL'} & set(sys.modules), 'too soon'"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, check=False
    )
    assert done.returncode == 0
