"""What a password may be, and the one form in which it is hashed.

Source: NIST SP 800-63B, "memorized secrets": length and a list of known-bad values count, rules
about kinds of characters do not; Unicode is taken, normalised by NFKC for stabilised strings.
"""

import re
from unicodedata import category, normalize

from domain.errors import (
    Conflict,
    FailedPrecondition,
    InvalidInput,
    PermissionDenied,
    Unavailable,
)

MIN_PASSWORD_BYTES = 12
MAX_PASSWORD_BYTES = 1024
_FEWEST_CHARACTERS = 5
# Those of twelve and more that every guesser tries first, without the digits and marks around.
_COMMON_WORDS = """
password passwort motdepasse contrasena passw0rd p@ssword p@ssw0rd letmein welcome administrator
changeme changeit qwertyuiop qwertzuiop azertyuiop qwertyuiopasdf asdfghjkl qazwsxedc iloveyou
qwerty qwertz azerty correcthorsebatterystaple trustno obelisk obeliskpassword mypassword
passwordpassword adminadmin secret supersecret default
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_TRIMMINGS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_RUNS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")


class PasswordUnfit(InvalidInput):
    reason = "PASSWORD_UNFIT"


class PasswordWrong(PermissionDenied):
    reason = "PASSWORD_WRONG"

    def __init__(self) -> None:
        super().__init__("the current password is another one", field="current_password")


class SignInTooOld(FailedPrecondition):
    """A token that was stolen some time ago must not become an account for good."""

    reason = "SIGN_IN_TOO_OLD"

    def __init__(self) -> None:
        super().__init__(
            "a first password is set within ten minutes of signing in; sign in again, then set it",
            field="current_password",
        )


class PasswordChanged(Conflict):
    reason = "PASSWORD_CHANGED"

    def __init__(self) -> None:
        super().__init__("the password was changed at the same moment; try again")


class PasswordNotPossible(FailedPrecondition):
    reason = "PASSWORD_NOT_POSSIBLE"

    def __init__(self) -> None:
        super().__init__("only a person's account, which has an email, can have a password")


class HashingBusy(Unavailable):
    reason = "SIGN_IN_BUSY"

    def __init__(self) -> None:
        super().__init__("too many people are signing in at this moment; try again")


def prepared(password: str, field: str = "password") -> str:
    """Return the form that is hashed and compared: the same from every keyboard (NFKC).

    Raises PasswordUnfit when it is too long to be anybody's.
    """
    size = len(password.encode("utf-8", "surrogatepass"))
    if size > MAX_PASSWORD_BYTES:
        raise PasswordUnfit(
            f"a password has at most {MAX_PASSWORD_BYTES} bytes of UTF-8, not {size}", field=field
        )
    return normalize("NFKC", password)


def fit_password(password: str, email: str | None, field: str = "password") -> str:
    """Return `prepared(password)` when it is good enough for a new password of `email`.

    Raises PasswordUnfit, saying what would be right.
    """
    form = prepared(password, field)
    size = len(form.encode("utf-8", "surrogatepass"))
    if size < MIN_PASSWORD_BYTES:
        raise PasswordUnfit(
            f"a password has at least {MIN_PASSWORD_BYTES} bytes of UTF-8, not {size}; "
            "four words that you choose by chance are a good one",
            field=field,
        )
    # Cc: nobody types it; Cn and Cs: no letter yet or ever, so no form of it is stable.
    if any(category(character) in ("Cc", "Cn", "Cs") for character in form):
        raise PasswordUnfit("the password holds a character that nobody can type", field=field)
    if _easily_guessed(form.lower(), email):
        raise PasswordUnfit(
            "the password is among the first that anybody would try; "
            "four words that you choose by chance are a good one",
            field=field,
        )
    return form


def _easily_guessed(password: str, email: str | None) -> bool:
    if len(set(password)) < _FEWEST_CHARACTERS or any(password in run * 2 for run in _RUNS):
        return True
    if any(password in run[::-1] * 2 for run in _RUNS):
        return True
    if email is not None and password in (email, email.replace("@", "")):
        return True
    mine = {email.partition("@")[0]} if email else set()
    return _TRIMMINGS.sub("", password) in _COMMON | mine
