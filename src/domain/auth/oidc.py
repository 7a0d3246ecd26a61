"""Signing in at an OpenID provider: what goes there, what comes back, and who may come in by it."""

import base64
import hashlib
from dataclasses import dataclass

from domain.errors import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)


class OidcProviderNotFound(NotFound):
    reason = "OIDC_PROVIDER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such provider here; ListOidcProviders names them", field="provider")


class RedirectNotAllowed(InvalidInput):
    reason = "REDIRECT_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "redirect_uri is none of those that the settings allow for this provider",
            field="redirect_uri",
        )


class OidcRefused(Unauthenticated):
    """One message for a state that is unknown, used or over and for all that a provider may send
    which does not hold; the log says which."""

    reason = "OIDC_SIGN_IN_REFUSED"

    def __init__(self) -> None:
        super().__init__("this sign-in cannot be finished; begin it again")


class OidcUnavailable(Unavailable):
    reason = "OIDC_PROVIDER_UNAVAILABLE"

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"the provider {provider!r} does not answer as it should; try again",
            metadata={"provider": provider},
        )


class EmailNotVerified(PermissionDenied):
    reason = "EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("the provider does not vouch for an email of yours; verify it there first")


class NotInvited(PermissionDenied):
    reason = "NOT_INVITED"

    def __init__(self) -> None:
        super().__init__("there is no account for your email here; ask for an invitation")


class LinkedToAnother(PermissionDenied):
    """An email may be given to somebody new; the provider's subject may not."""

    reason = "OIDC_LINKED_TO_ANOTHER"

    def __init__(self) -> None:
        super().__init__(
            "the account of your email belongs to another user of this provider; "
            "ask whoever runs this installation"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcProvider:
    """What the settings say of one. Domains are in lower case.

    `email_domains` are those whose emails it may vouch for; empty stands for any. `anyone` lets
    people with such an email make an account by signing in, without being invited.
    """

    name: str
    issuer: str
    redirect_uris: tuple[str, ...]
    email_domains: frozenset[str] = frozenset()
    anyone: bool = False

    def __post_init__(self) -> None:
        if self.anyone and not self.email_domains:
            raise ValueError(f"the provider {self.name!r} lets anyone join: say of which domains")

    def vouches_for(self, email: str) -> bool:
        """Whether an email of this domain is believed when this provider says it is verified."""
        return not self.email_domains or email.rpartition("@")[2] in self.email_domains


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcRequest:
    """What a person takes along to the provider. `code_challenge` is of the method S256."""

    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcAnswer:
    """What came back, with what only we know of it. `issuer` is empty when none was sent along."""

    code: str
    issuer: str
    redirect_uri: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcPerson:
    """Whom the provider vouches for. `subject` never changes; `email` may, and may be missing."""

    subject: str
    email: str | None
    email_verified: bool
    display_name: str


def code_challenge(code_verifier: str) -> str:
    """The S256 challenge of a verifier. Source: RFC 7636, 4.2."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
