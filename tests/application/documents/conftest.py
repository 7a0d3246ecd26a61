"""A desk over stores in memory."""

from dataclasses import replace

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.document_store import MemoryDocumentStore
from adapters.memory.knowledge_index import MemoryKnowledgeIndex
from adapters.memory.state import MemoryState
from adapters.memory.workers import MemoryWorkers
from fixtures.house import House
from fixtures.ingesting import Desk


@pytest.fixture
def desk(house: House) -> Desk:
    state, clock = MemoryState(), FixedClock()
    stores = replace(
        house.stores,
        documents=MemoryDocumentStore(state, clock),
        index=MemoryKnowledgeIndex(state),
        workers=MemoryWorkers(state, clock),
    )
    return Desk(house=replace(house, stores=stores), blobs=MemoryBlobStore(), clock=clock)
