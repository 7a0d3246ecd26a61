"""What a search by meaning finds of what is really nearest, on embeddings of real text.

`make bench-quality` tells the same of thousands of texts, and KeepGraphs of every large space.
"""

import re
from pathlib import Path

import pytest_asyncio

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.weights import packaged_embedding_model
from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.pool import Pool
from adapters.postgres.vector_graphs import PostgresVectorGraphs
from domain.retrieval.graphs import GraphState, VectorSet
from fixtures.making import Home, document, new_home, passages, structure
from fixtures.postgres import SharedDatabase
from fixtures.stores import postgres_stores

DOCS = Path(__file__).resolve().parents[3] / "docs"
# More than are compared exactly: what the sign bits leave out is lost.
SENTENCES = 600
ASKED = 40


def _sentences() -> list[str]:
    """Pieces of this project's own pages: short ones, for they are embedded one by one."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md")))
    found = re.findall(r"[A-Z][^.|`#*]{15,60}[.:,;]", " ".join(text.split()))
    return list(dict.fromkeys(found))[:SENTENCES]


@pytest_asyncio.fixture
async def vectors(pool: Pool) -> VectorSet:
    """A space of sentences, embedded by the model that ships."""
    home: Home = await new_home(postgres_stores(pool).tenancy)
    embedder = MiniLmEmbedder(packaged_embedding_model(), document_threads=2)
    await embedder.start()
    sentences = _sentences()
    made = tuple(await embedder.embed_documents(sentences))
    await embedder.close()
    documents, whole = PostgresDocumentStore(pool), document(home)
    await documents.add(whole)
    await documents.publish(whole, structure(), passages(*sentences, vectors=made), embedder.model)
    return VectorSet(
        space=home.space,
        model=embedder.model.name,
        dimensions=embedder.model.dimensions,
        count=len(sentences),
        graph=GraphState.NONE,
    )


async def test_sign_bits_lose_nothing_of_real_embeddings(
    vectors: VectorSet, shared_database: SharedDatabase
) -> None:
    graphs = PostgresVectorGraphs(shared_database.database.superuser_dsn)
    assert vectors.count == SENTENCES
    assert await graphs.recall(vectors, ASKED) >= 0.99
