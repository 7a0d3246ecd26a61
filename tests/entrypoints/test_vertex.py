"""Addresses of Vertex AI in the settings, as far as the first answer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from adapters.memory.picture_reader import InProcessPictureReader
from adapters.memory.scripted_chat_model import ScriptedChatModel
from domain.agents.chat import ChatFinished, ChatMessage, ChatRequest, Role
from domain.errors import InvalidInput
from entrypoints.chat_models import open_chat_model, open_enhancer_model
from entrypoints.embedders import open_embedder
from entrypoints.pictures import open_picture_parts
from entrypoints.retrieval import open_search_models
from entrypoints.settings import Settings
from fixtures.photos import plain, retouched
from fixtures.vertex_chat_server import FakeGemini, serving_gemini
from fixtures.vertex_server import FakeVertex, serving_vertex


@pytest.fixture
async def server() -> AsyncIterator[FakeVertex]:
    async with serving_vertex() as fake:
        yield fake


def _settings(folder: Path, **given: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, **given})


async def test_an_answer_and_other_words_are_written_where_the_settings_say(
    tmp_path: Path,
) -> None:
    async with serving_gemini(FakeGemini()) as gemini, AsyncExitStack() as stack:
        settings = _settings(
            tmp_path, chat_url=gemini.url, chat_model="large", query_enhancer_model="fast"
        )
        chat = await open_chat_model(settings, stack)
        enhancer = await open_enhancer_model(settings, chat, stack)
        assert (chat.name, enhancer.name, chat.context_tokens) == ("large", "fast", 2048)
        request = ChatRequest(
            messages=(ChatMessage(role=Role.USER, content="hello there"),),
            temperature=0.0,
            max_tokens=4,
        )
        pieces = [piece async for piece in enhancer.stream(request)]
        assert isinstance(pieces[-1], ChatFinished)


async def test_texts_are_embedded_where_the_settings_say(
    tmp_path: Path, server: FakeVertex
) -> None:
    settings = _settings(
        tmp_path, embedding_url=server.url, embedding_model="texts", embedding_dimensions=3072
    )
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings, stack)
        assert embedder.model.name == "texts@3072"
        assert len(await embedder.embed_query("words")) == 3072


async def test_pictures_are_looked_at_where_the_settings_say(
    tmp_path: Path, server: FakeVertex
) -> None:
    settings = _settings(
        tmp_path, picture_url=server.url, picture_model="pictures", picture_dimensions=9
    )
    async with AsyncExitStack() as stack:
        parts = await open_picture_parts(settings, HashEmbedder(), InProcessPictureReader(), stack)
        assert parts.embedder.model.name == "pictures@9"
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
        ({"chat_url": "vertex://p/us"}, "OBELISK_CHAT_MODEL"),
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
        if settings.chat_url is not None:
            await open_chat_model(settings, stack)
        embedder = await open_embedder(settings, stack)
        await open_picture_parts(settings, embedder, InProcessPictureReader(), stack)
        await open_search_models(settings, ScriptedChatModel(), stack)
