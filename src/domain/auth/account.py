"""Somebody who can sign in, and the email that they are known by."""

import re
from dataclasses import dataclass
from datetime import datetime

from domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from domain.identifiers import UserId

MAX_EMAIL_CHARACTERS = 254
_MAX_LOCAL_CHARACTERS = 64
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class EmailInvalid(InvalidInput):
    reason = "EMAIL_INVALID"


class EmailTaken(AlreadyExists):
    reason = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("there is an account with this email already", field="email")


class UserNotFound(NotFound):
    reason = "USER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such user", field="user_id")


class SignInRefused(Unauthenticated):
    """One message for every cause: who asks learns nothing about which accounts there are."""

    reason = "SIGN_IN_REFUSED"

    def __init__(self) -> None:
        super().__init__("the email and the password do not belong together, or may not sign in")


class SecretRefused(Unauthenticated):
    reason = "CLIENT_SECRET_REFUSED"

    def __init__(self) -> None:
        super().__init__("the client id and its secret do not belong together, or were revoked")


class InvitationRefused(PermissionDenied):
    """One answer whether there is an account or not, until its password is given: an invitation's
    token is in the hands of whoever invites, and must not tell them who is here already."""

    reason = "INVITATION_REFUSED"

    def __init__(self) -> None:
        super().__init__(
            "with an account of this email, give its password (one that signs in at a provider "
            "sets one there first, with ChangePassword); without one, give a display name for it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, or this machine's operator, who has no email. A service's name is its client's."""

    user_id: UserId
    email: str | None
    display_name: str
    operator: bool = False
    disabled: bool = False
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user with what a sign-in is judged by.

    `password_hash` is None where only a provider can vouch for the user. `addresses` are those of
    the latest sessions: at most fifty, and of the last thirty days.
    """

    user: User
    password_hash: str | None
    addresses: frozenset[str] = frozenset()


def normal_email(text: str, field: str = "email") -> str:
    """Return the one spelling of an email that is kept and compared: lower case, ASCII.

    Raises EmailInvalid, saying what is wrong with it.
    """
    email = text.strip().lower()
    if not email.isascii():
        raise EmailInvalid(
            "an email is written in ASCII here; give an international domain in its xn-- form",
            field=field,
        )
    if len(email) > MAX_EMAIL_CHARACTERS:
        raise EmailInvalid(
            f"an email has at most {MAX_EMAIL_CHARACTERS} characters, not {len(email)}", field=field
        )
    local, at, domain = email.rpartition("@")
    if not at:
        raise EmailInvalid("an email has an '@', as in name@example.com", field=field)
    if len(local) > _MAX_LOCAL_CHARACTERS or not _LOCAL.fullmatch(local):
        raise EmailInvalid(
            "an email is a bare address such as name@example.com, without quotes, names or spaces",
            field=field,
        )
    if not _DOMAIN.fullmatch(domain):
        raise EmailInvalid("after its '@', an email has a domain such as example.com", field=field)
    return email
