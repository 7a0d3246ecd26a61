"""Everything about finding passages, wired: for agents, for their tools and for people."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.local.lexical_reranker import LexicalReranker
from adapters.local.rule_query_enhancer import RuleQueryEnhancer
from application.agents.tools.collection_search import CollectionSearch
from application.ports.chat_model import ChatModel
from application.ports.clock import Clock
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.query_enhancer import QueryEnhancer
from application.ports.reranker import Reranker
from application.ports.settings_store import SettingsStore
from application.retrieval.enhance import ModelQueryEnhancer
from application.retrieval.pictures import PictureSearch
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import Retrieve
from application.retrieval.search import SearchKnowledge
from application.speculative import Speculative
from domain.documents.document import Collection
from entrypoints.chat_models import open_enhancer_model
from entrypoints.model_settings import ModelSettings
from entrypoints.vertex import vertex_reranker


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """`speculative` owns what retrievals give up, and is closed last."""

    retrieve: Retrieve
    vectors: QueryVectors
    search: SearchKnowledge
    campaign_precedents: CollectionSearch
    competitor_scan: CollectionSearch
    speculative: Speculative


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchModels:
    """`enhancer` is asked only when the settings say so."""

    enhancer: ChatModel
    reranker: Reranker | None = None


async def open_search_models(
    settings: ModelSettings, chat: ChatModel, stack: AsyncExitStack
) -> SearchModels:
    """Who says questions in other words, and who looks at passages once more.

    Raises:
        InvalidInput: a server without a model's name, or an address that leads nowhere.
    """
    return SearchModels(
        enhancer=await open_enhancer_model(settings, chat, stack),
        reranker=await _reranker(settings, stack),
    )


async def _reranker(settings: ModelSettings, stack: AsyncExitStack) -> Reranker | None:
    match settings.reranker:
        case "words":
            return LexicalReranker()
        case "model":
            return await vertex_reranker(settings, stack)
        case "off":
            return None


def build_retrieval(
    *,
    index: KnowledgeIndex,
    pictures: PictureSearch | None = None,
    embedder: Embedder,
    settings_store: SettingsStore,
    models: SearchModels,
    clock: Clock,
    entropy: Entropy,
    settings: ModelSettings,
) -> Retrieval:
    """All of it around one index."""
    speculative = Speculative()
    vectors = QueryVectors(embedder, speculative)
    return Retrieval(
        retrieve=Retrieve(
            index=index,
            vectors=vectors,
            settings=settings_store,
            clock=clock,
            speculative=speculative,
            enhancer=_enhancer(settings, models.enhancer, entropy),
            reranker=models.reranker,
            pictures=pictures,
        ),
        vectors=vectors,
        search=SearchKnowledge(index=index, vectors=vectors, pictures=pictures),
        campaign_precedents=CollectionSearch(
            name="campaign_precedents",
            collection=Collection.CAMPAIGN,
            index=index,
            vectors=vectors,
        ),
        competitor_scan=CollectionSearch(
            name="competitor_scan", collection=Collection.WEB, index=index, vectors=vectors
        ),
        speculative=speculative,
    )


def _enhancer(settings: ModelSettings, model: ChatModel, entropy: Entropy) -> QueryEnhancer | None:
    match settings.enhancer:
        case "model":
            return ModelQueryEnhancer(model=model, entropy=entropy)
        case "rules":
            return RuleQueryEnhancer()
        case "off":
            return None
