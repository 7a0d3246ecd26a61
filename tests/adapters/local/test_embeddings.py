"""The embedded embedder beyond its contract."""

import os
from pathlib import Path

import pytest

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.weights import WeightsNotInstalled, packaged_embedding_model, packaged_file
from domain.errors import Unavailable

PAIRS = [
    ("How do I cancel my subscription?", "Ending your plan is possible at any time."),
    ("Which beans are the least acidic?", "Dark roasts have a mild, chocolaty taste, low in acid."),
    ("When is the shop open?", "We welcome you from nine to six, Monday to Saturday."),
    ("Is delivery free?", "Orders over 40 euros ship at no cost."),
]


async def test_questions_find_the_passage_that_answers_them_in_other_words() -> None:
    embedder = MiniLmEmbedder(packaged_embedding_model(), document_threads=2)
    passages = await embedder.embed_documents([passage for _, passage in PAIRS])
    for index, (question, _) in enumerate(PAIRS):
        asked = await embedder.embed_query(question)
        scores = [sum(a * b for a, b in zip(asked, one, strict=True)) for one in passages]
        assert scores.index(max(scores)) == index
    await embedder.close()


async def test_passages_leave_the_processor_to_questions() -> None:
    before = set(Path("/proc/self/task").iterdir())
    embedder = MiniLmEmbedder(packaged_embedding_model())
    await embedder.embed_query("Is delivery free?")
    await embedder.embed_documents([passage for _, passage in PAIRS])
    own = os.nice(0)
    nices = [
        os.getpriority(os.PRIO_PROCESS, int(thread.name))
        for thread in set(Path("/proc/self/task").iterdir()) - before
    ]
    assert sorted(nices) == [own, min(own + 5, 19)]
    await embedder.close()


async def test_counts_are_in_the_models_own_pieces_once_it_is_loaded() -> None:
    embedder = MiniLmEmbedder(packaged_embedding_model())
    text = "unsubscribing internationally"
    assert embedder.count_tokens(text) >= len(text)
    await embedder.start()
    assert 2 <= embedder.count_tokens(text) <= 8
    assert embedder.count_tokens("") == 0
    await embedder.close()


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
async def test_unusable_weights_are_named_in_the_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    embedder = MiniLmEmbedder(path)
    with pytest.raises(Unavailable, match=r"broken\.onnx") as refused:
        await embedder.start()
    assert refused.value.reason == "EMBEDDER_UNAVAILABLE"
    await embedder.close()


def test_weights_that_are_not_installed_are_named() -> None:
    with pytest.raises(WeightsNotInstalled, match="no_such_package"):
        packaged_file("no_such_package", ".onnx")
