"""What is known of tokens that are no longer what they say, and the verdict on one of them.

Knowledge is bounded by time alone: an entry goes when no token that it speaks of can still be in
its time, never because there are many.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from domain.auth.claims import Claims
from domain.identifiers import SessionId, UserId

# Longer than the longest life of a token (a day) with the clocks' skew.
KEPT_FOR = timedelta(hours=25)


class ChangeKind(Enum):
    """What a change is about: one token, one session, all of a user's, or how a user stands."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    SESSION = "session"
    USER = "user"
    EPOCH = "epoch"
    KEYS = "keys"


class Verdict(Enum):
    """CURRENT: all that the token says holds. STALE: who it names holds, and nothing else."""

    CURRENT = "current"
    STALE = "stale"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityChange:
    """`epoch` counts for EPOCH; tokens of a USER issued before `not_before` are revoked.

    It may be forgotten from `expire_time` on.
    """

    kind: ChangeKind
    subject: str
    expire_time: datetime
    epoch: int = 0
    not_before: datetime | None = None


def token_revoked(user: UserId, token_id: str, now: datetime) -> AuthorityChange:
    """One token of this user's; the same `jti` in anybody else's hand is not meant."""
    return AuthorityChange(
        kind=ChangeKind.TOKEN, subject=_token(user, token_id), expire_time=now + KEPT_FOR
    )


def session_revoked(session: SessionId, now: datetime) -> AuthorityChange:
    """Every token of the session."""
    return AuthorityChange(
        kind=ChangeKind.SESSION, subject=str(session), expire_time=now + KEPT_FOR
    )


def user_revoked(user: UserId, now: datetime) -> AuthorityChange:
    """Every token of the user's that was issued before now."""
    return AuthorityChange(
        kind=ChangeKind.USER, subject=str(user), expire_time=now + KEPT_FOR, not_before=now
    )


class Authority:
    """Everything that is known. Changes may be learned in any order, and more than once."""

    def __init__(self) -> None:
        self._known: dict[tuple[ChangeKind, str], AuthorityChange] = {}
        self._ends: list[tuple[datetime, str, str]] = []

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, changes: Iterable[AuthorityChange]) -> bool:
        """Add what is new, and say whether anything was."""
        news = [change for change in changes if self._learn(change)]
        return bool(news)

    def forget(self, now: datetime) -> None:
        """Drop what can concern no token any more."""
        while self._ends and self._ends[0][0] <= now:
            _, kind, subject = heapq.heappop(self._ends)
            key = ChangeKind(kind), subject
            # It may have been prolonged since; then a later end is in the heap as well.
            if key in self._known and self._known[key].expire_time <= now:
                del self._known[key]

    def verdict(self, claims: Claims) -> Verdict:
        """How far a token that is genuine and in its time may be believed."""
        user = str(claims.subject)
        known = self._known
        if (
            (ChangeKind.SESSION, str(claims.session_id)) in known
            or (ChangeKind.TOKEN, _token(claims.subject, claims.token_id)) in known
            or self._banned(user, claims.issue_time)
        ):
            return Verdict.REVOKED
        return Verdict.STALE if claims.epoch < self.epoch_of(claims.subject) else Verdict.CURRENT

    def epoch_of(self, user: UserId) -> int:
        """The latest epoch of the user that is known; 0 when none changed of late."""
        change = self._known.get((ChangeKind.EPOCH, str(user)))
        return change.epoch if change else 0

    def _banned(self, user: str, issue_time: datetime) -> bool:
        change = self._known.get((ChangeKind.USER, user))
        if change is None:
            return False
        return change.not_before is None or issue_time < change.not_before

    def _learn(self, change: AuthorityChange) -> bool:
        key = change.kind, change.subject
        merged = _merged(self._known.get(key), change)
        if self._known.get(key) == merged:
            return False
        self._known[key] = merged
        heapq.heappush(self._ends, (merged.expire_time, change.kind.value, change.subject))
        return True


def _token(user: UserId, token_id: str) -> str:
    return f"{user}/{token_id}"


def _merged(one: AuthorityChange | None, other: AuthorityChange) -> AuthorityChange:
    """Both together, whichever came first: the stricter of each."""
    if one is None:
        return other
    return AuthorityChange(
        kind=one.kind,
        subject=one.subject,
        expire_time=max(one.expire_time, other.expire_time),
        epoch=max(one.epoch, other.epoch),
        not_before=_later(one.not_before, other.not_before),
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Without a moment, every token of the user's is meant, whenever it was issued."""
    return None if one is None or other is None else max(one, other)
