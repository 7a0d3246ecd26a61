"""Opens what must be awaited, in order, and closes it in reverse: the platform without a server."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dependency_injector import providers

from adapters.docling.converter import DoclingConverter
from adapters.local.clock import SystemClock
from adapters.local.context_cache import InProcessContextCache
from adapters.local.entropy import SystemEntropy
from adapters.local.fan_out import InProcessFanOut
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE, Pool
from adapters.redis.context_cache import RedisContextCache
from adapters.redis.fan_out import RedisFanOut
from adapters.web.fetcher import HttpWebFetcher
from application.daily import daily
from application.ports.chat_model import ChatModel
from application.ports.context_cache import ContextCache
from application.ports.embedder import Embedder
from application.ports.fan_out import FanOut
from application.runs.crew import Crew
from domain.errors import InvalidInput
from domain.identifiers import WorkerId
from domain.runs.lease import WorkerKind
from entrypoints.accounts import open_account_parts
from entrypoints.blobs import open_blobs
from entrypoints.chat_models import open_chat_model
from entrypoints.container import Container
from entrypoints.documents import build_look_again
from entrypoints.embedders import build_embedders, open_embedder
from entrypoints.graphs import keeping_graphs
from entrypoints.keys import open_keys
from entrypoints.pictures import open_picture_parts
from entrypoints.retrieval import open_search_models
from entrypoints.settings import Settings

Report = Callable[[str], None]
OpenModels = Callable[[Settings, AsyncExitStack], Awaitable[tuple[ChatModel, Embedder]]]


@asynccontextmanager
async def database(settings: Settings, report: Report) -> AsyncGenerator[tuple[str, str]]:
    """A migrated database: how to connect as its owner, and as the application.

    Embedded under the data folder unless `database_url` names one.

    Raises:
        InvalidInput: a pooler alone, where locks and migrations need the server itself too.
    """
    if settings.database_pooler and not (settings.database_url and settings.app_database_url):
        raise InvalidInput(
            "OBELISK_DATABASE_POOLER needs OBELISK_APP_DATABASE_URL, which leads to the pooler, "
            "and OBELISK_DATABASE_URL, which leads past it: migrations and locks hold a session"
        )
    async with AsyncExitStack() as stack:
        if settings.database_url is not None:
            owner = settings.database_url.get_secret_value()
            given = settings.app_database_url
            application = given.get_secret_value() if given else owner
        else:
            report("starting PostgreSQL")
            server = EmbeddedPostgres(settings.data_dir / "postgres")
            stack.push_async_callback(asyncio.to_thread, server.stop)
            await asyncio.to_thread(server.start)
            owner, application = server.dsn, server.dsn_for(APPLICATION_ROLE, "postgres")
        for name in await migrate(owner, let_application_in=settings.database_url is None):
            report(f"applied migration {name}")
        yield owner, application


@asynccontextmanager
async def platform(
    settings: Settings,
    report: Report,
    models: OpenModels | None = None,
    *,
    kind: WorkerKind = WorkerKind.SERVER,
) -> AsyncGenerator[Container]:
    """The wired platform with everything started, at work on what waits.

    `models` opens other models than those of the settings.
    """
    async with AsyncExitStack() as stack:
        owner, dsn = await stack.enter_async_context(database(settings, report))
        pool = await Pool.open(
            dsn, max_size=settings.database_pool_size, pooler=settings.database_pooler
        )
        stack.push_async_callback(pool.close)
        keys = await open_keys(settings, pool, SystemClock(), stack)
        account_parts = await open_account_parts(
            settings, pool, SystemClock(), SystemEntropy(), stack
        )
        report("loading models")
        chat, embedder = await (models or _models)(settings, stack)
        crew = Crew(
            worker_id=WorkerId(SystemEntropy().uuid()),
            kind=kind,
            runs_at_once=settings.runs_at_once,
            ingestions_at_once=settings.ingestions_at_once,
        )
        converter = DoclingConverter(
            processes=crew.reading_places, layout_models=settings.layout_models
        )
        stack.push_async_callback(converter.close)
        fan_out = await _fan_out(settings, stack)
        embedders = await build_embedders(settings, embedder, pool, crew.worker_id, stack)
        container = Container(
            settings=settings,
            pool=pool,
            chat_model=providers.Object(chat),
            search_models=await open_search_models(settings, chat, stack),
            embedder=providers.Object(embedders.serving),
            picture_parts=await open_picture_parts(settings, embedder, converter, stack),
            converter=providers.Object(converter),
            blobs=providers.Object(open_blobs(settings)),
            web_fetcher=providers.Object(HttpWebFetcher(SystemClock())),
            fan_out=providers.Object(fan_out),
            direct_dsn=owner if settings.database_pooler else dsn,
            crew=crew,
            signer=providers.Object(keys.signer),
            sealer=providers.Object(keys.sealer),
            keyring=keys.keyring,
            context_caches=providers.Object(_context_caches(settings, stack)),
            account_parts=account_parts,
        )
        stack.push_async_callback(container.retrieval().speculative.close)
        await container.authority().start()
        stack.push_async_callback(container.authority().close)
        await stack.enter_async_context(daily(container.retain_events()))
        await stack.enter_async_context(daily(container.pausing().expire, day=3600))
        uploads = container.document_service().uploads
        await stack.enter_async_context(daily(uploads.expire, day=3600))
        await stack.enter_async_context(daily(container.tenancy().erase.resume))
        await stack.enter_async_context(keeping_graphs(owner))
        await stack.enter_async_context(container.talk().folding.at_work())
        await stack.enter_async_context(embedders.roll_out.at_work())
        look_again = build_look_again(container.document_parts(), converter)
        await stack.enter_async_context(look_again.at_work())
        await stack.enter_async_context(container.jobs())
        yield container


async def _models(settings: Settings, stack: AsyncExitStack) -> tuple[ChatModel, Embedder]:
    return await open_chat_model(settings, stack), await open_embedder(settings, stack)


async def _fan_out(settings: Settings, stack: AsyncExitStack) -> FanOut:
    if settings.redis_url is None:
        return InProcessFanOut()
    fan_out = RedisFanOut(settings.redis_url.get_secret_value())
    stack.push_async_callback(fan_out.close)
    await fan_out.start()
    return fan_out


def _context_caches(settings: Settings, stack: AsyncExitStack) -> Sequence[ContextCache]:
    """Nearest first: this process's own, and Redis for all of them."""
    near = InProcessContextCache(SystemClock())
    if settings.redis_url is None:
        return (near,)
    far = RedisContextCache(settings.redis_url.get_secret_value())
    stack.push_async_callback(far.close)
    return (near, far)
