"""EfficientNet-Lite0 on onnxruntime: a picture in, what it looks like and what it shows out.

Blocking; safe for many threads.
"""

from array import array
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adapters.local.efficientnet.graph import PIXELS_INPUT, SIDE, classifier
from adapters.local.efficientnet.weights_file import read_weights
from adapters.local.onnx_session import one_core_session
from domain.retrieval.vector import Vector

DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MOST_CLASSES = 5
MOST_PIXELS = 1_048_576
# Source: the normalisation that the network was trained with, that of ImageNet.
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_NAMES = Path(__file__).with_name("classes.txt")
Floats = NDArray[np.float32]


class EfficientNet:
    """The loaded network; loading takes half a second and 90 MB."""

    def __init__(self, weights: Path) -> None:
        """Raises:
        Exception: the file is missing, or is not this network's; the runtime has no common class.
        """
        self.names = _NAMES.read_text(encoding="utf-8").splitlines()
        self._session = one_core_session(classifier(read_weights(weights, DIGEST)))

    def look(self, picture: bytes) -> tuple[Vector, dict[str, float]]:
        """Its features, of unit length, and the names of its likeliest classes with their shares.

        Raises OSError, ValueError: it is no picture.
        """
        features, classes = self._session.run(None, {PIXELS_INPUT: _pixels(picture)})
        likeliest = np.argsort(-classes[0])[:MOST_CLASSES]
        shares = {self.names[place]: float(classes[0][place]) for place in likeliest}
        unit = features[0] / np.linalg.norm(features[0])
        return array("f", unit.astype(np.float32).tobytes()), shares


def _pixels(picture: bytes) -> Floats:
    """The whole picture, squeezed into a square: what stands at its sides counts too."""
    with Image.open(BytesIO(picture), formats=("JPEG", "PNG")) as opened:
        width, height = opened.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"{width} x {height} pixels are more than a picture of ours has")
        square = opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    colours = np.asarray(square, np.float32) / 255
    spread = (colours - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)
    return np.ascontiguousarray(spread.transpose(2, 0, 1)[np.newaxis])
