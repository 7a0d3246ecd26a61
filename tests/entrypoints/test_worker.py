"""What a worker needs before it starts."""

import pytest
from pydantic import SecretStr

from domain.errors import InvalidInput
from entrypoints.settings import Settings
from entrypoints.worker import require_shared_database


def test_a_worker_without_a_database_to_share_is_told_what_to_set() -> None:
    alone = Settings().model_copy(update={"database_url": None})
    with pytest.raises(InvalidInput, match="set OBELISK_DATABASE_URL, here and there"):
        require_shared_database(alone)


def test_a_worker_with_a_database_to_share_may_start() -> None:
    shared = Settings().model_copy(update={"database_url": SecretStr("postgresql://db/obelisk")})
    require_shared_database(shared)
