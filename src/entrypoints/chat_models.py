"""The models that write, opened: in a child process, or on a server."""

from contextlib import AsyncExitStack

from adapters.local.chat import LlamaChatModel
from adapters.local.weights import packaged_chat_model
from adapters.openai_compatible.chat import OpenAiCompatibleChatModel
from application.ports.chat_model import ChatModel
from entrypoints.model_settings import ModelSettings
from entrypoints.vertex import is_vertex, named, vertex_chat_model


async def open_chat_model(settings: ModelSettings, stack: AsyncExitStack) -> ChatModel:
    """The model that writes answers.

    Raises:
        InvalidInput: a server without a model's name.
    """
    if settings.chat_url is not None:
        return await _on_server(settings, settings.chat_url, settings.chat_model, stack)
    path = settings.chat_model_file or packaged_chat_model()
    model = LlamaChatModel(
        path,
        name=settings.chat_model or path.stem,
        context_tokens=settings.chat_context_tokens,
        parallel=settings.chat_slots,
    )
    stack.push_async_callback(model.close)
    await model.start()
    return model


async def open_enhancer_model(
    settings: ModelSettings, chat: ChatModel, stack: AsyncExitStack
) -> ChatModel:
    """The model that says questions in other words: a second one on the same server, or `chat`."""
    if settings.chat_url is None or settings.query_enhancer_model is None:
        return chat
    return await _on_server(settings, settings.chat_url, settings.query_enhancer_model, stack)


async def _on_server(
    settings: ModelSettings, url: str, name: str | None, stack: AsyncExitStack
) -> ChatModel:
    wanted = named(name, "OBELISK_CHAT_MODEL")
    if is_vertex(url):
        return await vertex_chat_model(url, wanted, settings.chat_context_tokens, stack)
    key = settings.chat_api_key
    model = OpenAiCompatibleChatModel(
        url,
        wanted,
        api_key=key.get_secret_value() if key else None,
        context_tokens=settings.chat_context_tokens,
    )
    stack.push_async_callback(model.close)
    return model
