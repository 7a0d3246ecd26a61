"""What the settings take for an OpenID provider, and what they say of the rest."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from entrypoints.settings import Settings

GOOD = {
    "name": "acme",
    "issuer": "https://idp.acme.example/realms/1",
    "client_id": "obelisk",
    "client_secret": "s3cret",
    "redirect_uris": ["https://app.example.com/back", "http://localhost:3000/back"],
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _given(monkeypatch: pytest.MonkeyPatch, *providers: object) -> Settings:
    monkeypatch.setenv("OBELISK_OIDC_PROVIDERS", json.dumps(providers))
    return Settings()


def test_a_provider_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    (provider,) = _given(monkeypatch, {**GOOD, "hosts": ["Keys.acme.example"]}).oidc_providers
    assert (provider.name, provider.issuer) == ("acme", GOOD["issuer"])
    assert provider.client_secret.get_secret_value() == "s3cret"
    assert provider.scopes == ["openid", "email", "profile"]
    assert provider.hosts == ["keys.acme.example"]
    assert not provider.anyone


def test_without_any_there_is_none() -> None:
    assert Settings().oidc_providers == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"issuer": "http://idp.acme.example"}, "no https address"),
        ({"issuer": "idp.acme.example"}, "no https address"),
        ({"issuer": "https://idp.acme.example?x=1"}, "no query"),
        ({"redirect_uris": []}, "at least 1 item"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "no https address"),
        ({"redirect_uris": ["https://app.example.com/back#x"]}, "fragment"),
        ({"scopes": ["email"]}, "'openid' is one of them"),
        ({"name": "Acme Corp"}, "match pattern"),
        ({"client_id": ""}, "at least 1 character"),
        ({"client_secret": ""}, "at least 1"),
        ({"anyone": True}, "needs 'email_domains'"),
        ({"hosts": ["https://keys.acme.example/x"]}, "match pattern"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_is_wrong_with_a_provider_is_said_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        _given(monkeypatch, {**GOOD, **changed})
    messages = "; ".join(error["msg"] for error in refused.value.errors())
    assert told in messages
    assert "s3cret" not in messages


@pytest.mark.parametrize("same", ["name", "issuer"])
def test_two_providers_are_two(monkeypatch: pytest.MonkeyPatch, same: str) -> None:
    other = {**GOOD, "name": "other", "issuer": "https://idp.other.example"}
    assert len(_given(monkeypatch, GOOD, other).oidc_providers) == 2
    with pytest.raises(ValidationError, match=f"the same {same}"):
        _given(monkeypatch, GOOD, {**other, same: GOOD[same]})


def test_what_is_no_json_is_told_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBELISK_OIDC_PROVIDERS", "google")
    with pytest.raises(SettingsError, match="oidc_providers"):
        Settings()
