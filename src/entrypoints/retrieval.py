"""Everything about finding passages, wired: for agents, for their tools and for people."""

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
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """`speculative` owns what retrievals give up, and is closed last."""

    retrieve: Retrieve
    vectors: QueryVectors
    search: SearchKnowledge
    campaign_precedents: CollectionSearch
    competitor_scan: CollectionSearch
    speculative: Speculative


def build_retrieval(
    *,
    index: KnowledgeIndex,
    pictures: PictureSearch | None = None,
    embedder: Embedder,
    settings_store: SettingsStore,
    enhancer_model: ChatModel,
    clock: Clock,
    entropy: Entropy,
    settings: Settings,
) -> Retrieval:
    """`enhancer_model` is asked only when the settings say so."""
    speculative = Speculative()
    vectors = QueryVectors(embedder, speculative)
    return Retrieval(
        retrieve=Retrieve(
            index=index,
            vectors=vectors,
            settings=settings_store,
            clock=clock,
            speculative=speculative,
            enhancer=_enhancer(settings, enhancer_model, entropy),
            reranker=_reranker(settings),
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


def _enhancer(settings: Settings, model: ChatModel, entropy: Entropy) -> QueryEnhancer | None:
    match settings.enhancer:
        case "model":
            return ModelQueryEnhancer(model=model, entropy=entropy)
        case "rules":
            return RuleQueryEnhancer()
        case "off":
            return None


def _reranker(settings: Settings) -> Reranker | None:
    return LexicalReranker() if settings.reranker == "words" else None
