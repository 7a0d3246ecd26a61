"""A document whose ingestion ends its processes is taken up no more."""

from contextlib import suppress

from application.jobs import IngestDocumentJob
from application.ports.document_store import DocumentStore
from domain.documents.document import DocumentNotFound, IngestLost, IngestState


async def park_document(documents: DocumentStore, job: IngestDocumentJob, tries: int) -> None:
    """Set a claimed document to FAILED that was begun `tries` times before, unless it is lost."""
    failure = f"it was begun {tries} times and never finished; change the file"
    with suppress(DocumentNotFound, IngestLost):
        await documents.move(
            job.space_id, job.document_id, IngestState.FAILED, failure, fence=job.fence
        )
