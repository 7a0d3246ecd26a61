"""What the embedded models can refuse, or fail at."""

from domain.errors import InvalidInput, Unavailable


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
