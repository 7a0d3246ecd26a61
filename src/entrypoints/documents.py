"""What DocumentService stands on, wired."""

from dataclasses import dataclass, field

from adapters.postgres.finding_store import PostgresFindingStore
from adapters.postgres.picture_looks import PostgresPictureLooks
from adapters.postgres.pool import Pool
from adapters.postgres.upload_store import PostgresUploadStore
from application.documents.add_url import AddUrl
from application.documents.findings import DocumentFindings
from application.documents.ingest import IngestDocument
from application.documents.keep import KeepDocument
from application.documents.look_again import LookAgain
from application.documents.manage import ManageDocuments
from application.documents.resumable import ResumableUploads
from application.documents.upload import UploadDocument
from application.documents.watch import WatchDocument
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_converter import DocumentConverter
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.ports.settings_store import SettingsStore
from application.ports.visual_embedder import VisualEmbedder
from application.ports.web_fetcher import WebFetcher
from domain.documents.chunking import ChunkingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The use cases behind the service."""

    upload: UploadDocument
    uploads: ResumableUploads
    add_url: AddUrl
    manage: ManageDocuments
    watch: WatchDocument
    findings: DocumentFindings


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentParts:
    """What both sides of a document's life have in common."""

    pool: Pool
    documents: DocumentStore
    blobs: BlobStore
    embedder: Embedder
    clock: Clock
    entropy: Entropy
    visual: VisualEmbedder
    policy: ChunkingPolicy = field(default_factory=ChunkingPolicy)


def build_ingest(parts: DocumentParts, converter: DocumentConverter) -> IngestDocument:
    """How this process reads documents."""
    return IngestDocument(
        documents=parts.documents,
        blobs=parts.blobs,
        converter=converter,
        embedder=parts.embedder,
        clock=parts.clock,
        entropy=parts.entropy,
        policy=parts.policy,
        visual=parts.visual,
    )


def build_look_again(parts: DocumentParts, converter: DocumentConverter) -> LookAgain:
    """What looks at pictures that the model of today has not seen."""
    return LookAgain(
        looks=PostgresPictureLooks(parts.pool),
        blobs=parts.blobs,
        converter=converter,
        visual=parts.visual,
        ingest=build_ingest(parts, converter),
    )


def build_documents(
    parts: DocumentParts,
    jobs: Jobs,
    settings: SettingsStore,
    fetcher: WebFetcher,
    heartbeat_seconds: float,
) -> Documents:
    """The use cases, wired."""
    keep = KeepDocument(
        documents=parts.documents,
        blobs=parts.blobs,
        jobs=jobs,
        embedder=parts.embedder,
        clock=parts.clock,
        entropy=parts.entropy,
        visual=parts.visual.model,
    )
    return Documents(
        uploads=ResumableUploads(
            uploads=PostgresUploadStore(parts.pool),
            documents=parts.documents,
            blobs=parts.blobs,
            keep=keep,
            clock=parts.clock,
            entropy=parts.entropy,
        ),
        upload=UploadDocument(
            documents=parts.documents,
            blobs=parts.blobs,
            jobs=jobs,
            embedder=parts.embedder,
            clock=parts.clock,
            entropy=parts.entropy,
            visual=parts.visual.model,
        ),
        add_url=AddUrl(
            settings=settings,
            fetcher=fetcher,
            keep=keep,
        ),
        manage=ManageDocuments(documents=parts.documents, blobs=parts.blobs),
        watch=WatchDocument(
            documents=parts.documents, clock=parts.clock, heartbeat_seconds=heartbeat_seconds
        ),
        findings=DocumentFindings(
            findings=PostgresFindingStore(parts.pool),
            embedder=parts.embedder,
            clock=parts.clock,
            entropy=parts.entropy,
            policy=parts.policy,
        ),
    )
