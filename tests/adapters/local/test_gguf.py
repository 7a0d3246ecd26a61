"""A model file is read with suspicion: it may come from anywhere."""

import struct
from pathlib import Path

import pytest

from adapters.local.gguf import InvalidGguf, read_header
from adapters.local.weights import packaged_chat_model


def test_the_header_names_the_words_of_structure() -> None:
    header = read_header(packaged_chat_model())
    assert {"<|im_start|>", "<|im_end|>"} <= header.control_tokens
    assert "the" not in header.control_tokens
    assert (header.architecture, header.trained_context_tokens) == ("llama", 8192)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"<html>Not found</html>",
        b"GGUF" + struct.pack("<IQQ", 9, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + b"\xff" * 200,
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 99),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**60),
    ],
)
def test_a_file_that_is_no_whole_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidGguf):
        read_header(written(tmp_path, content))


def test_a_file_cut_within_its_metadata_is_refused(tmp_path: Path) -> None:
    beginning = packaged_chat_model().read_bytes()[:100_000]
    with pytest.raises(InvalidGguf):
        read_header(written(tmp_path, beginning))
