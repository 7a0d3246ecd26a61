"""The composition root: which adapter stands behind which port, and what each use case is given.

What must be awaited (pools, child processes) is opened in `startup.py` and handed in here.
"""

from collections.abc import Sequence

from dependency_injector import containers, providers

from adapters.langgraph.runner import LangGraphRunner
from adapters.local.clock import SystemClock
from adapters.local.entropy import SystemEntropy
from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.authority_feed import PostgresAuthorityFeed
from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.event_retention import PostgresEventRetention
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.pool import Pool
from adapters.postgres.run_journal import PostgresRunJournal
from adapters.postgres.run_store import PostgresRunStore
from adapters.postgres.session_store import PostgresSessionStore
from adapters.postgres.settings_store import PostgresSettingsStore
from adapters.postgres.tenancy_store import PostgresTenancyStore
from adapters.postgres.tenant_directory import PostgresTenantDirectory
from adapters.postgres.workers import PostgresWorkers
from application.agents.steps import AgentSteps
from application.agents.tools.brand_check import BrandCheck
from application.agents.tools.keyword_report import KeywordReport
from application.auth.attempts import Attempts
from application.auth.audit import AuditActs, ReadAudit
from application.auth.authenticate import Authenticate
from application.auth.authority import AuthorityWatch
from application.auth.issue_tokens import IssueTokens
from application.auth.keys import Keyring
from application.auth.sessions import Sessions
from application.conversations.folding import ThenFold
from application.ports.blob_store import BlobStore
from application.ports.chat_model import ChatModel
from application.ports.context_cache import ContextCache
from application.ports.document_converter import DocumentConverter
from application.ports.embedder import Embedder
from application.ports.fan_out import FanOut
from application.ports.sealer import Sealer
from application.ports.token_signer import TokenSigner
from application.ports.web_fetcher import WebFetcher
from application.runs.batching import Batching
from application.runs.cancel import CancelRun
from application.runs.crew import Crew
from application.runs.dispatch import Dispatcher
from application.runs.end import EndRun
from application.runs.execute import ExecuteRun
from application.runs.park import ParkRun
from application.runs.read import ReadRuns
from application.runs.retain import RetainEvents
from application.runs.start import StartRun
from application.runs.watch import WatchRun
from application.tenancy.contexts import SpaceContexts
from domain.runs.retention import RetentionPolicy
from entrypoints.accounts import AccountParts, build_accounts
from entrypoints.agents import agents_of
from entrypoints.conversations import build_conversations
from entrypoints.documents import DocumentParts, build_documents, build_ingest
from entrypoints.keys import build_key_management
from entrypoints.limits import run_limits, watcher_limits
from entrypoints.pausing import build_pausing
from entrypoints.pictures import PictureParts, build_picture_search
from entrypoints.relay import Relay
from entrypoints.retrieval import SearchModels, build_retrieval
from entrypoints.settings import Settings
from entrypoints.tenancy import build_tenancy


class Identity(containers.DeclarativeContainer):
    """What needs no server and no database."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Singleton(SystemClock)
    entropy = providers.Singleton(SystemEntropy)


class Container(Identity):
    pool = providers.Dependency(instance_of=Pool)
    chat_model: providers.Dependency[ChatModel] = providers.Dependency()
    search_models = providers.Dependency(instance_of=SearchModels)
    embedder: providers.Dependency[Embedder] = providers.Dependency()
    picture_parts = providers.Dependency(instance_of=PictureParts)
    converter: providers.Dependency[DocumentConverter] = providers.Dependency()
    blobs: providers.Dependency[BlobStore] = providers.Dependency()
    web_fetcher: providers.Dependency[WebFetcher] = providers.Dependency()
    fan_out: providers.Dependency[FanOut] = providers.Dependency()
    crew = providers.Dependency(instance_of=Crew)
    direct_dsn = providers.Dependency(instance_of=str)
    signer: providers.Dependency[TokenSigner] = providers.Dependency()
    sealer: providers.Dependency[Sealer] = providers.Dependency()
    keyring = providers.Dependency(instance_of=Keyring)
    context_caches: providers.Dependency[Sequence[ContextCache]] = providers.Dependency()
    account_parts = providers.Dependency(instance_of=AccountParts)

    agents = providers.Singleton(agents_of, Identity.settings)
    clock, entropy = Identity.clock, Identity.entropy
    tenancy_store = providers.Singleton(PostgresTenancyStore, pool)
    tenant_directory = providers.Singleton(PostgresTenantDirectory, pool)
    settings_store = providers.Singleton(PostgresSettingsStore, pool)
    documents = providers.Singleton(PostgresDocumentStore, pool)
    runs = providers.Singleton(PostgresRunStore, pool, entropy)
    event_log = providers.Singleton(PostgresEventLog, pool, entropy)
    journal = providers.Singleton(PostgresRunJournal, pool)
    workers = providers.Singleton(PostgresWorkers, pool)
    audit_log = providers.Singleton(PostgresAuditLog, pool)
    relay = providers.Singleton(Relay)
    audit_acts = providers.Singleton(
        AuditActs, log=audit_log, tenancy=tenancy_store, clock=clock, entropy=entropy
    )
    read_audit = providers.Singleton(ReadAudit, log=audit_log, tenancy=tenancy_store)

    space_contexts = providers.Singleton(
        SpaceContexts, tenancy=tenancy_store, caches=context_caches
    )
    authority_feed = providers.Singleton(PostgresAuthorityFeed, pool)
    session_store = providers.Singleton(PostgresSessionStore, pool)
    authority = providers.Singleton(AuthorityWatch, feed=authority_feed, clock=clock)
    authenticate = providers.Singleton(
        Authenticate,
        signer=signer,
        refresh_keys=keyring.provided.refresh,
        authority=authority,
        contexts=space_contexts,
    )
    issue_tokens = providers.Singleton(
        IssueTokens,
        signer=signer,
        tenancy=tenancy_store,
        clock=clock,
        entropy=entropy,
        lifetime=Identity.settings.provided.token_life,
    )
    sessions = providers.Singleton(
        Sessions,
        store=session_store,
        feed=authority_feed,
        tenancy=tenancy_store,
        directory=tenant_directory,
        issue=issue_tokens,
        attempts=providers.Singleton(Attempts, account_parts.provided.limiter),
        settle=authority.provided.settle,
        clock=clock,
        entropy=entropy,
        lifetime=Identity.settings.provided.session_life,
        unrenewed_lifetime=Identity.settings.provided.token_life,
    )
    accounts = providers.Singleton(
        build_accounts,
        parts=account_parts,
        pool=pool,
        sessions=sessions,
        authority=authority,
        clock=clock,
        sealer=sealer,
        entropy=entropy,
    )
    manage_keys = providers.Singleton(build_key_management, keyring, clock, Identity.settings)
    document_parts = providers.Singleton(
        DocumentParts,
        pool=pool,
        documents=documents,
        blobs=blobs,
        embedder=embedder,
        clock=clock,
        entropy=entropy,
        visual=picture_parts.provided.embedder,
    )
    retrieval = providers.Singleton(
        build_retrieval,
        index=providers.Singleton(PostgresKnowledgeIndex, pool),
        pictures=providers.Singleton(build_picture_search, picture_parts, pool),
        embedder=embedder,
        settings_store=settings_store,
        models=search_models,
        clock=clock,
        entropy=entropy,
        settings=Identity.settings,
    )
    tools = providers.Dict(
        brand_check=providers.Singleton(BrandCheck),
        keyword_report=providers.Singleton(KeywordReport),
        campaign_precedents=retrieval.provided.campaign_precedents,
        competitor_scan=retrieval.provided.competitor_scan,
    )
    batching = providers.Singleton(Batching)
    steps = providers.Singleton(
        AgentSteps,
        retrieve=retrieval.provided.retrieve,
        model=chat_model,
        tools=tools,
        clock=clock,
        entropy=entropy,
        sections=Identity.settings.provided.sections,
        window=batching.provided.seconds,
    )
    runner = providers.Singleton(LangGraphRunner, steps)
    talk = providers.Singleton(
        build_conversations,
        pool=pool,
        model=chat_model,
        settings=settings_store,
        agents=agents,
        clock=clock,
        entropy=entropy,
        sections=Identity.settings.provided.sections,
    )
    execute_run = providers.Singleton(
        ExecuteRun,
        runs=runs,
        log=event_log,
        fan_out=fan_out,
        recall=talk.provided.recall,
        journal=journal,
        runner=runner,
        agents=agents,
        model_name=chat_model.provided.name,
        clock=clock,
        foresee=retrieval.provided.vectors.begin,
        batching=batching,
    )
    watch_run = providers.Singleton(
        WatchRun,
        runs=runs,
        log=event_log,
        fan_out=fan_out,
        clock=clock,
        limits=providers.Singleton(watcher_limits, Identity.settings),
        heartbeat_seconds=Identity.settings.provided.heartbeat_seconds,
    )
    read_runs = providers.Singleton(ReadRuns, runs=runs)
    retain_events = providers.Singleton(
        RetainEvents,
        retention=providers.Singleton(PostgresEventRetention, pool),
        policy=providers.Singleton(
            RetentionPolicy, days=Identity.settings.provided.event_retention_days
        ),
        clock=clock,
    )
    limits = providers.Singleton(run_limits, Identity.settings)
    end_run = providers.Singleton(EndRun, runs=runs, log=event_log, fan_out=fan_out, clock=clock)
    jobs = providers.Singleton(
        Dispatcher,
        crew=crew,
        workers=workers,
        documents=documents,
        execute=providers.Singleton(ThenFold, execute=execute_run, folding=talk.provided.folding),
        ingest=providers.Singleton(build_ingest, document_parts, converter),
        park=providers.Singleton(ParkRun, runs=runs, end=end_run, limits=limits),
        limits=limits,
        clock=clock,
    )
    cancel_run = providers.Singleton(CancelRun, runs=runs, end=end_run, jobs=jobs)
    pausing = providers.Singleton(
        build_pausing,
        pool=pool,
        runs=runs,
        journal=journal,
        fan_out=fan_out,
        jobs=jobs,
        settings=Identity.settings,
        clock=clock,
    )
    start_run = providers.Singleton(
        StartRun,
        runs=runs,
        jobs=jobs,
        cancel=cancel_run,
        agents=agents,
        limits=limits,
        clock=clock,
        entropy=entropy,
    )
    document_service = providers.Singleton(
        build_documents,
        document_parts,
        jobs,
        settings_store,
        web_fetcher,
        Identity.settings.provided.heartbeat_seconds,
    )
    tenancy = providers.Singleton(
        build_tenancy,
        pool=pool,
        blobs=blobs,
        jobs=jobs,
        caches=context_caches,
        authority=authority,
        clock=clock,
        entropy=entropy,
    )
