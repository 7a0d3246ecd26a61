"""Where documents' bytes are kept: a folder of this machine, or a bucket that processes share."""

from adapters.local.blobs import FileBlobStore
from adapters.obstore.buckets import in_google, in_s3
from application.ports.blob_store import BlobStore
from domain.errors import InvalidInput
from entrypoints.settings import Settings


def open_blobs(settings: Settings) -> BlobStore:
    """Nothing is connected to yet.

    Raises InvalidInput: half of a key, or an address that leads nowhere.
    """
    if settings.blob_url is None:
        return FileBlobStore(settings.data_dir / "blobs")
    scheme, _, place = settings.blob_url.partition("://")
    bucket, _, folder = place.strip("/").partition("/")
    if scheme == "gs":
        return in_google(bucket, folder or None)
    return in_s3(
        bucket,
        folder or None,
        region=settings.blob_region,
        endpoint=settings.blob_endpoint,
        key=_key(settings),
    )


def _key(settings: Settings) -> tuple[str, str] | None:
    key, secret = settings.blob_access_key, settings.blob_secret_key
    if key is None and secret is None:
        return None
    if key is None or secret is None:
        raise InvalidInput("OBELISK_BLOB_ACCESS_KEY and OBELISK_BLOB_SECRET_KEY go together")
    return key.get_secret_value(), secret.get_secret_value()
