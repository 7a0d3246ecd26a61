"""The order of what is found does not hang on how many are asked for."""

import random
from array import array

from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.pool import Pool
from domain.retrieval.query import SearchFilter
from fixtures.making import MODEL, axis, document, new_home, passages, structure
from fixtures.stores import postgres_stores


async def test_the_best_are_the_same_however_many_are_asked_for(pool: Pool) -> None:
    home = await new_home(postgres_stores(pool).tenancy)
    documents, made = PostgresDocumentStore(pool), document(home)
    await documents.add(made)
    chance = random.Random(5)
    texts = [f"{'boats ' * chance.randint(1, 3) if n < 18 else ''}text {n}" for n in range(180)]
    vectors = tuple(
        array("f", (chance.gauss(1.0 if n == 0 else 0.0, 1.0) for n in range(MODEL.dimensions)))
        for _ in texts
    )
    await documents.publish(made, structure(), passages(*texts, vectors=vectors), MODEL)
    index = PostgresKnowledgeIndex(pool)
    orders = [
        [
            one.passage.text
            for one in await index.search(
                home.space,
                text="boats",
                vector=axis(0),
                model=MODEL,
                within=SearchFilter(),
                limit=limit,
            )
        ][:10]
        for limit in (10, 20, 150)
    ]
    assert orders[0] == orders[1] == orders[2]
