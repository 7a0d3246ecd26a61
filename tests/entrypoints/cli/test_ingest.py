"""What `obelisk ingest` says of a document on its way."""

import pytest

from entrypoints.cli.ingest import how_far
from obelisk.v1 import document_pb2

CONVERTING = document_pb2.INGEST_STATE_CONVERTING
EMBEDDING = document_pb2.INGEST_STATE_EMBEDDING


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (document_pb2.Document(state=CONVERTING), (1.0, "reading")),
        (
            document_pb2.Document(state=CONVERTING, stage_done=3, stage_total=12),
            (1.25, "reading page 3 of 12"),
        ),
        (
            document_pb2.Document(state=EMBEDDING, stage_done=64, stage_total=128),
            (2.5, "embedding passage 64 of 128"),
        ),
        (
            document_pb2.Document(
                state=document_pb2.INGEST_STATE_READY, chunk_count=4, page_count=2
            ),
            (3.0, "ready, 4 passages, 2 pages"),
        ),
        (
            document_pb2.Document(state=document_pb2.INGEST_STATE_FAILED, failure="it is locked"),
            (3.0, "it is locked"),
        ),
    ],
)
def test_it_says_which_page_and_which_passage(
    document: document_pb2.Document, said: tuple[float, str]
) -> None:
    assert how_far(document) == said
