"""What the embedded models can refuse, or fail at."""

from domain.errors import InvalidInput, Unavailable


class PromptTooLong(InvalidInput):
    reason = "PROMPT_TOO_LONG"


class JsonSchemaRefused(InvalidInput):
    reason = "INVALID_JSON_SCHEMA"


class TextTooLong(InvalidInput):
    reason = "TEXT_TOO_LONG"


class ModelUnavailable(Unavailable):
    reason = "MODEL_UNAVAILABLE"


class EmbedderUnavailable(Unavailable):
    reason = "EMBEDDER_UNAVAILABLE"


class VisualEmbedderUnavailable(Unavailable):
    reason = "VISUAL_EMBEDDER_UNAVAILABLE"


class BlobStoreUnavailable(Unavailable):
    """Without the system's own words, which name paths."""

    reason = "BLOB_STORE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the folder of documents' bytes cannot be used")


class ModelDownloadRefused(InvalidInput):
    """What came is not what was pinned; nothing of it is kept."""

    reason = "MODEL_DOWNLOAD_REFUSED"


class ModelDownloadFailed(Unavailable):
    """The transfer broke; what came so far is kept, and the next try resumes it."""

    reason = "MODEL_DOWNLOAD_FAILED"
