"""`obelisk users`: accounts in the database of the settings."""

import io
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.postgres.account_store import PostgresAccountStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.pool import Pool
from domain.auth.account import Account, EmailInvalid, EmailTaken, UserNotFound
from domain.auth.password import PasswordUnfit
from domain.errors import InvalidInput
from entrypoints.cli import users
from entrypoints.settings import Settings
from fixtures.postgres import Database

EMAIL = "ada@example.com"


@pytest.fixture
def settings(fresh_database: Database, tmp_path: Path) -> Settings:
    return Settings().model_copy(
        update={
            "data_dir": tmp_path,
            "database_url": SecretStr(fresh_database.superuser_dsn),
            "app_database_url": SecretStr(fresh_database.dsn),
        }
    )


def _type(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


async def _account(database: Database) -> Account | None:
    pool = await Pool.open(database.dsn)
    try:
        return await PostgresAccountStore(pool).find(EMAIL)
    finally:
        await pool.close()


async def test_an_account_is_added_listed_and_disabled(
    settings: Settings,
    fresh_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _type(monkeypatch, b"plum velvet orbit\nanother line\n")
    await users.add(settings, " Ada@Example.com", None, operator=True, from_input=True)
    found = await _account(fresh_database)
    assert found is not None
    assert (found.user.display_name, found.user.operator) == ("ada", True)
    assert found.password_hash is not None
    assert found.password_hash.startswith("$argon2id$")
    await users.disable(settings, EMAIL)
    await users.show(settings)
    said = capsys.readouterr().out
    assert EMAIL in said
    assert str(found.user.user_id) in said
    assert "velvet" not in said
    disabled = await _account(fresh_database)
    assert disabled is not None
    assert disabled.user.disabled


async def test_without_a_password_only_a_provider_lets_in(
    settings: Settings, fresh_database: Database
) -> None:
    await users.add(settings, EMAIL, "Ada L.", operator=False, from_input=False)
    found = await _account(fresh_database)
    assert found is not None
    assert (found.user.display_name, found.password_hash) == ("Ada L.", None)
    with pytest.raises(EmailTaken):
        await users.add(settings, EMAIL, None, operator=False, from_input=False)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (b"", PasswordUnfit),
        (b"short\n", PasswordUnfit),
        (b"x" * 5000, PasswordUnfit),
        (b"\xff\xfe\n", InvalidInput),
    ],
)
async def test_a_password_that_will_not_do_adds_nobody(
    settings: Settings,
    fresh_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    typed: bytes,
    error: type[InvalidInput],
) -> None:
    _type(monkeypatch, typed)
    with pytest.raises(error):
        await users.add(settings, EMAIL, None, operator=False, from_input=True)
    assert await _account(fresh_database) is None


async def test_what_is_wrong_with_an_email_is_said_before_anything_is_opened() -> None:
    nowhere = Settings().model_copy(
        update={"database_url": SecretStr("postgresql://127.0.0.1:9/none")}
    )
    with pytest.raises(EmailInvalid):
        await users.add(nowhere, "ada", None, operator=False, from_input=False)
    with pytest.raises(EmailInvalid):
        await users.disable(nowhere, "ada")


async def test_nobody_cannot_be_disabled(settings: Settings) -> None:
    with pytest.raises(UserNotFound):
        await users.disable(settings, EMAIL)


async def test_beside_a_server_on_the_embedded_database_it_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings().model_copy(update={"data_dir": tmp_path, "database_url": None})
    with (
        EmbeddedPostgres(tmp_path / "postgres"),
        pytest.raises(users.DatabaseInUse, match="while the server is stopped"),
    ):
        await users.show(settings)
