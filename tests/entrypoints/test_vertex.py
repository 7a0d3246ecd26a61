"""Addresses of Vertex AI in the settings, as far as the first answer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.picture_reader import InProcessPictureReader
from adapters.memory.scripted_chat_model import ScriptedChatModel
from domain.errors import InvalidInput
from entrypoints.embedders import open_embedder
from entrypoints.pictures import open_picture_parts
from entrypoints.retrieval import open_search_models
from entrypoints.settings import Settings
from fixtures.photos import plain, retouched
from fixtures.vertex_server import FakeVertex, serving_vertex


@pytest.fixture
async def server() -> AsyncIterator[FakeVertex]:
    async with serving_vertex() as fake:
        yield fake


def _settings(folder: Path, **given: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, **given})


async def test_texts_are_embedded_where_the_settings_say(
    tmp_path: Path, server: FakeVertex
) -> None:
    settings = _settings(
        tmp_path, embedding_url=server.url, embedding_model="texts", embedding_dimensions=3072
    )
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings, stack)
        assert (embedder.model.name, len(await embedder.embed_query("words"))) == ("texts", 3072)


async def test_pictures_are_looked_at_where_the_settings_say(
    tmp_path: Path, server: FakeVertex
) -> None:
    settings = _settings(
        tmp_path, picture_url=server.url, picture_model="pictures", picture_dimensions=9
    )
    async with AsyncExitStack() as stack:
        parts = await open_picture_parts(settings, HashEmbedder(), InProcessPictureReader(), stack)
        assert parts.embedder.model.name == "pictures"
        assert len(await parts.embedder.embed_pictures([retouched(plain("red"))])) == 1


async def test_passages_are_ranked_where_the_settings_say(
    tmp_path: Path, server: FakeVertex
) -> None:
    settings = _settings(
        tmp_path, reranker="model", reranker_url=server.url, reranker_model="ranker"
    )
    async with AsyncExitStack() as stack:
        models = await open_search_models(settings, ScriptedChatModel(), stack)
        assert models.reranker is not None
        assert await models.reranker.score("words", []) == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"embedding_url": "vertex://p/us"}, "OBELISK_EMBEDDING_MODEL"),
        ({"embedding_url": "vertex://p", "embedding_model": "m"}, "vertex://PROJECT/LOCATION"),
        ({"picture_url": "vertex://p/us"}, "OBELISK_PICTURE_MODEL"),
        ({"picture_url": "http://p/us", "picture_model": "m"}, "vertex://PROJECT/LOCATION"),
        ({"reranker": "model"}, "OBELISK_RERANKER_URL"),
        ({"reranker": "model", "reranker_url": "vertex://p/us"}, "OBELISK_RERANKER_MODEL"),
    ],
)
async def test_what_is_missing_is_named(
    tmp_path: Path, given: dict[str, object], says: str
) -> None:
    settings = _settings(tmp_path, **given)
    with pytest.raises(InvalidInput, match=says):
        await _open_all(settings)


async def _open_all(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings, stack)
        await open_picture_parts(settings, embedder, InProcessPictureReader(), stack)
        await open_search_models(settings, ScriptedChatModel(), stack)
