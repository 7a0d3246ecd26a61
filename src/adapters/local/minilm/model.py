"""all-MiniLM-L6-v2 on onnxruntime: text in, one unit vector out. Blocking; safe for many threads.

Source: the model's own pipeline is WordPiece tokens between two marks, the mean of the last hidden
states over the tokens, and division by the length of that mean.
"""

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adapters.local.onnx_session import one_core_session
from domain.retrieval.vector import Vector

DIMENSIONS = 384
MOST_TOKENS = 256
# [CLS] and [SEP] stand around every text.
MARKS = 2
_TOKENIZER = Path(__file__).with_name("tokenizer.json")


class MiniLm:
    """The loaded model; loading takes a few tenths of a second and 60 MB."""

    def __init__(self, weights: Path) -> None:
        """Raises:
        Exception: the file is missing, or not this model; the runtime has no common class.
        """
        if not weights.is_file():
            raise FileNotFoundError(weights)
        self._tokenizer = Tokenizer.from_file(str(_TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._session = one_core_session(str(weights))

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, its two marks included, at full length."""
        return self._tokenizer.encode(_whole_characters(text)).ids

    def embed(self, tokens: list[int]) -> Vector:
        """The vector of one text; more than 256 tokens are cut before the last mark."""
        if len(tokens) > MOST_TOKENS:
            tokens = [*tokens[: MOST_TOKENS - 1], tokens[-1]]
        (states,) = self._session.run(None, _inputs(np.array([tokens], dtype=np.int64)))
        return _unit_mean(states[0])


def _inputs(ids: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }


def _unit_mean(states: NDArray[np.float32]) -> Vector:
    mean = states.mean(axis=0, dtype=np.float64)
    return array("f", (mean / np.linalg.norm(mean)).astype(np.float32).tobytes())


def _whole_characters(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
