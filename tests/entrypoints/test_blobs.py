"""Where documents' bytes go, by the settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.local.blobs import FileBlobStore
from adapters.obstore.blobs import ObstoreBlobStore
from domain.errors import InvalidInput
from domain.identifiers import DocumentId, SpaceId
from entrypoints.blobs import open_blobs
from entrypoints.settings import Settings
from fixtures.making import new_id
from fixtures.s3_server import FakeS3


def test_without_a_bucket_they_go_into_the_data_folder(tmp_path: Path) -> None:
    assert isinstance(open_blobs(Settings(data_dir=tmp_path)), FileBlobStore)


async def test_a_bucket_is_used_under_its_folder() -> None:
    space, document = SpaceId(new_id()), DocumentId(new_id())
    with FakeS3() as server:
        blobs = open_blobs(
            Settings.model_validate(
                {
                    "blob_url": "s3://documents/of/obelisk/",
                    "blob_endpoint": server.address,
                    "blob_access_key": "key",
                    "blob_secret_key": "secret",
                }
            )
        )
        await blobs.put(space, document, b"x")
        assert server.keys == {f"of/obelisk/{space}/{document}"}
        assert await blobs.get(space, document) == b"x"
        assert await blobs.delete_space(space) == 1


def test_a_bucket_of_google_needs_no_keys_of_ours() -> None:
    assert isinstance(open_blobs(Settings(blob_url="gs://documents")), ObstoreBlobStore)


@pytest.mark.parametrize("url", ["http://documents", "s3://", "s3://b/../c", "file:///etc"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises((ValidationError, InvalidInput)):
        open_blobs(Settings(blob_url=url))


def test_half_a_key_is_refused() -> None:
    given = {"blob_url": "s3://documents", "blob_access_key": "key"}
    with pytest.raises(InvalidInput, match="go together"):
        open_blobs(Settings.model_validate(given))
