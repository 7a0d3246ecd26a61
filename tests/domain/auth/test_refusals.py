"""What callers are told, word for word: reasons are stable, and messages give nothing away."""

from collections.abc import Callable

import pytest

from domain.auth import account, claims, password, session
from domain.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    NotFound,
    ObeliskError,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)


@pytest.mark.parametrize(
    ("make", "kind", "reason", "field", "message"),
    [
        (
            account.EmailTaken,
            AlreadyExists,
            "EMAIL_TAKEN",
            "email",
            "there is an account with this email already",
        ),
        (account.UserNotFound, NotFound, "USER_NOT_FOUND", "user_id", "no such user"),
        (
            account.SignInRefused,
            Unauthenticated,
            "SIGN_IN_REFUSED",
            None,
            "the email and the password do not belong together, or may not sign in",
        ),
        (
            account.SecretRefused,
            Unauthenticated,
            "CLIENT_SECRET_REFUSED",
            None,
            "the client id and its secret do not belong together, or were revoked",
        ),
        (
            account.InvitationRefused,
            PermissionDenied,
            "INVITATION_REFUSED",
            None,
            (
                "with an account of this email, give its password (one that signs in "
                "at a provider sets one there first, with ChangePassword); without "
                "one, give a display name for it"
            ),
        ),
        (
            claims.TokenRejected,
            Unauthenticated,
            "TOKEN_REJECTED",
            None,
            "the access token is not valid here; sign in again",
        ),
        (
            claims.TokenMissing,
            Unauthenticated,
            "TOKEN_MISSING",
            "authorization",
            ("send an access token in the header 'authorization', as 'Bearer <token>'"),
        ),
        (
            claims.OperatorOnly,
            PermissionDenied,
            "OPERATOR_ONLY",
            None,
            "only an operator of this installation may do this",
        ),
        (
            password.PasswordWrong,
            PermissionDenied,
            "PASSWORD_WRONG",
            "current_password",
            "the current password is another one",
        ),
        (
            password.SignInTooOld,
            FailedPrecondition,
            "SIGN_IN_TOO_OLD",
            "current_password",
            (
                "a first password is set within ten minutes of signing in; sign in "
                "again, then set it"
            ),
        ),
        (
            password.PasswordChanged,
            Conflict,
            "PASSWORD_CHANGED",
            None,
            "the password was changed at the same moment; try again",
        ),
        (
            password.PasswordNotPossible,
            FailedPrecondition,
            "PASSWORD_NOT_POSSIBLE",
            None,
            "only a person's account, which has an email, can have a password",
        ),
        (
            password.HashingBusy,
            Unavailable,
            "SIGN_IN_BUSY",
            None,
            "too many people are signing in at this moment; try again",
        ),
        (
            session.RefreshTokenRejected,
            Unauthenticated,
            "REFRESH_TOKEN_REJECTED",
            "refresh_token",
            "the refresh token is not valid; sign in again",
        ),
        (
            session.SessionRefused,
            Unauthenticated,
            "SESSION_REFUSED",
            None,
            "this account is closed; ask whoever runs this installation",
        ),
        (
            session.SessionEnded,
            Unauthenticated,
            "SESSION_ENDED",
            None,
            "this session has been ended; sign in again",
        ),
        (
            session.TokenExpired,
            Unauthenticated,
            "TOKEN_EXPIRED",
            None,
            "the access token's time is over; renew it, and go on where this ended",
        ),
        (session.SessionNotFound, NotFound, "SESSION_NOT_FOUND", "session_id", "no such session"),
    ],
)
def test_a_refusal_says_this(
    make: Callable[[], ObeliskError],
    kind: type[ObeliskError],
    reason: str,
    field: str | None,
    message: str,
) -> None:
    refusal = make()
    assert isinstance(refusal, kind)
    assert (refusal.reason, refusal.field, refusal.message) == (reason, field, message)
    assert refusal.metadata == {}
