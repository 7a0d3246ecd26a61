"""Buckets by their address."""

from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from adapters.obstore.blobs import ObstoreBlobStore
from domain.errors import InvalidInput

if TYPE_CHECKING:
    from obstore.store import S3Config


def in_google(bucket: str, folder: str | None) -> ObstoreBlobStore:
    """Under `folder` of a bucket, as whom the cloud takes this machine for.

    Raises InvalidInput.
    """
    try:
        return ObstoreBlobStore(GCSStore(bucket, prefix=folder))
    except (BaseError, ValueError) as error:
        raise _no_store() from error


def in_s3(
    bucket: str,
    folder: str | None,
    *,
    region: str,
    endpoint: str | None = None,
    key: tuple[str, str] | None = None,
) -> ObstoreBlobStore:
    """Under `folder` of a bucket. `key` is an access key with its secret; without one this machine
    is whom the cloud takes it for.

    Raises InvalidInput.
    """
    config: S3Config = {"region": region}
    if endpoint is not None:
        config["endpoint"] = endpoint
    if key is not None:
        config["access_key_id"], config["secret_access_key"] = key
    plain = (endpoint or "").startswith("http://")
    try:
        return ObstoreBlobStore(
            S3Store(bucket, prefix=folder, config=config, client_options={"allow_http": plain})
        )
    except (BaseError, ValueError) as error:
        raise _no_store() from error


def _no_store() -> InvalidInput:
    return InvalidInput("OBELISK_BLOB_URL and what goes with it lead to no store")
