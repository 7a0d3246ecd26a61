"""What is known of tokens that are no longer what they say, and the verdict on one of them.

Knowledge is bounded by time alone: an entry goes when no token that it speaks of can still be in
its time, never because there are many.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from domain.auth.claims import Claims
from domain.identifiers import SessionId, UserId

# Longer than the longest life of a token (a day) with the clocks' skew.
KEPT_FOR = timedelta(hours=25)
# Up to so many sessions that end together are told one by one.
_FEW = 8
# A renewal may hand its token out this long after it was kept, and by another machine's clock.
_UNDER_WAY = timedelta(minutes=2)


class ChangeKind(Enum):
    """What a change is about: one token, one session, all of a user's, or how a user stands."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    SESSION = "session"
    USER = "user"
    EPOCH = "epoch"


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
        kind=ChangeKind.TOKEN, subject=f"{user}/{token_id}", expire_time=now + KEPT_FOR
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


def all_revoked(
    user: UserId, touched: Mapping[SessionId, datetime], now: datetime
) -> tuple[AuthorityChange, ...]:
    """Every session of the user's; `touched` is when each was opened or renewed last.

    Many make one change, for every process keeps each for a day; only those whose next token may
    be on its way are told beside it, for that one may be issued after now.
    """
    named = [session_revoked(session, now) for session in touched]
    if len(named) <= _FEW:
        return tuple(named)
    late = [one for one, time in touched.items() if time > now - _UNDER_WAY]
    return (user_revoked(user, now), *(session_revoked(session, now) for session in late))


class Authority:
    """Everything that is known. Changes may be learned in any order, and more than once."""

    def __init__(self) -> None:
        self._known: dict[ChangeKind, dict[str, AuthorityChange]] = {
            kind: {} for kind in ChangeKind
        }
        # Asked with every request: looked up here once, for an Enum hashes slowly.
        self._tokens = self._known[ChangeKind.TOKEN]
        self._sessions = self._known[ChangeKind.SESSION]
        self._users = self._known[ChangeKind.USER]
        self._epochs = self._known[ChangeKind.EPOCH]
        self._ends: list[tuple[datetime, str, str]] = []

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def learn(self, changes: Iterable[AuthorityChange]) -> bool:
        """Add what is new, and say whether anything was."""
        news = [change for change in changes if self._learn(change)]
        return bool(news)

    def forget(self, now: datetime) -> None:
        """Drop what can concern no token any more."""
        while self._ends and self._ends[0][0] <= now:
            _, kind, subject = heapq.heappop(self._ends)
            known = self._known[ChangeKind(kind)]
            end = known[subject].expire_time
            if end <= now:
                del known[subject]
            else:  # prolonged since: each subject stands here once, however often it changes
                heapq.heappush(self._ends, (end, kind, subject))

    def verdict(self, claims: Claims) -> Verdict:
        """How far a token that is genuine and in its time may be believed."""
        user = str(claims.subject)
        if (
            str(claims.session_id) in self._sessions
            or f"{user}/{claims.token_id}" in self._tokens
            or self._banned(user, claims.issue_time)
        ):
            return Verdict.REVOKED
        moved = self._epochs.get(user)
        stale = moved is not None and claims.epoch < moved.epoch
        return Verdict.STALE if stale else Verdict.CURRENT

    def epoch_of(self, user: UserId) -> int:
        """The latest epoch of the user that is known; 0 when none changed of late."""
        change = self._epochs.get(str(user))
        return change.epoch if change else 0

    def _banned(self, user: str, issue_time: datetime) -> bool:
        change = self._users.get(user)
        if change is None:
            return False
        return change.not_before is None or issue_time < change.not_before

    def _learn(self, change: AuthorityChange) -> bool:
        known = self._known[change.kind]
        earlier = known.get(change.subject)
        merged = _merged(earlier, change)
        if merged == earlier:
            return False
        known[change.subject] = merged
        if earlier is None:
            heapq.heappush(self._ends, (merged.expire_time, change.kind.value, change.subject))
        return True


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
