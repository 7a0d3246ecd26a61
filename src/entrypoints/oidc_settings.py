"""One OpenID provider as the settings describe it."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HOST = r"(?i)^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Host = Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]


class OidcProviderSettings(BaseModel):
    """An object in the list OBELISK_OIDC_PROVIDERS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    redirect_uris: list[str] = Field(min_length=1)
    scopes: list[str] = ["openid", "email", "profile"]
    # Further hosts that the provider's own metadata may name for tokens and keys.
    hosts: list[Host] = []
    # Whose emails it may vouch for; any when empty.
    email_domains: list[Host] = []
    # Lets people with such an email in who were not invited.
    anyone: bool = False

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(_secure(value))
        if parts.query:
            raise ValueError("an issuer has no query")
        return value

    @field_validator("redirect_uris")
    @classmethod
    def _redirects(cls, values: list[str]) -> list[str]:
        return [_secure(value) for value in values]

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, values: list[str]) -> list[str]:
        if "openid" not in values or any(not v or " " in v for v in values):
            raise ValueError("scopes are words, and 'openid' is one of them")
        return values

    @model_validator(mode="after")
    def _joining(self) -> "OidcProviderSettings":
        if self.anyone and not self.email_domains:
            raise ValueError("'anyone' needs 'email_domains': whose emails let people in")
        return self


def distinct(providers: list[OidcProviderSettings]) -> list[OidcProviderSettings]:
    """The providers, if no two share a name or an issuer. Raises ValueError."""
    for what in ("name", "issuer"):
        values = [getattr(provider, what) for provider in providers]
        if len(set(values)) < len(values):
            raise ValueError(f"two providers have the same {what}")
    return providers


def _secure(value: str) -> str:
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.username is not None:
        raise ValueError(f"{value!r:.100} is no https address (http is for this machine alone)")
    if parts.fragment:
        raise ValueError(f"{value!r:.100} has a fragment")
    return value
