"""Sessions and refresh tokens in memory."""

from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.authority_feed import MemoryAuthorityFeed
from adapters.memory.people import MemoryPeople
from adapters.memory.tenants import MemoryTenants
from domain.auth.account import UserNotFound
from domain.auth.revocation import all_revoked, session_revoked, user_revoked
from domain.auth.session import (
    MAX_OPEN_SESSIONS,
    RefreshToken,
    RefreshTokenRejected,
    Renewal,
    Session,
    SessionNotFound,
    SessionRefused,
)
from domain.identifiers import OrganizationId, SessionId, UserId
from domain.tenancy.organization import OrganizationNotFound


@dataclass(slots=True)
class _Refresh:
    token: RefreshToken
    session: SessionId
    used: bool = False


class MemorySessionStore:
    def __init__(
        self, people: MemoryPeople, tenants: MemoryTenants, feed: MemoryAuthorityFeed
    ) -> None:
        self._people = people
        self._tenants = tenants
        self._feed = feed
        self._sessions: dict[SessionId, Session] = {}
        self._touched: dict[SessionId, datetime] = {}
        self._ended: set[SessionId] = set()
        self._refresh: dict[bytes, _Refresh] = {}

    async def open(self, session: Session, refresh: RefreshToken | None) -> None:
        if not self._people.may_sign_in(session.user_id):
            raise SessionRefused
        self._sessions[session.session_id] = session
        self._touched[session.session_id] = session.create_time
        mine = await self.open_sessions(session.user_id, session.create_time)
        for oldest in mine[MAX_OPEN_SESSIONS:]:
            await self._end(oldest.session_id, session.create_time)
        self._people.addresses.setdefault(session.user_id, []).append(session.address)
        if refresh is not None:
            self._refresh[refresh.token_hash] = _Refresh(refresh, session.session_id)

    async def rotate(
        self,
        token_hash: bytes,
        successor: RefreshToken,
        organization: OrganizationId | None,
        now: datetime,
    ) -> Renewal | None:
        found = self._refresh.get(token_hash)
        if found is None:
            raise RefreshTokenRejected
        session = self._sessions[found.session]
        if found.used:
            await self._end(found.session, now)
            return None
        over = min(session.expire_time, found.token.expire_time) <= now
        if over or found.session in self._ended or not self._people.may_sign_in(session.user_id):
            raise RefreshTokenRejected
        if organization is not None:
            if (organization, session.user_id) not in self._tenants.organization_roles:
                raise OrganizationNotFound
            session = replace(session, organization_id=organization)
            self._sessions[found.session] = session
        found.used = True
        self._touched[found.session] = now
        self._refresh[successor.token_hash] = _Refresh(successor, found.session)
        user = self._people.users.get(session.user_id)
        return Renewal(session=session, operator=user is not None and user.operator)

    async def open_sessions(self, user: UserId, now: datetime) -> tuple[Session, ...]:
        mine = [s for s in self._sessions.values() if s.user_id == user and self._is_open(s, now)]
        return tuple(sorted(mine, key=lambda session: session.session_id, reverse=True))

    async def end(self, user: UserId, session: SessionId, now: datetime) -> None:
        found = self._sessions.get(session)
        if found is None or found.user_id != user:
            raise SessionNotFound
        await self._end(session, now)

    async def end_all(self, user: UserId, *, spare: SessionId | None, now: datetime) -> int:
        ending = [s for s in await self.open_sessions(user, now) if s.session_id != spare]
        touched = {s.session_id: self._touched[s.session_id] for s in ending}
        self._ended |= touched.keys()
        changes = all_revoked(user, touched, now)
        if spare is not None:
            changes = tuple(session_revoked(session, now) for session in touched)
        for change in changes:
            await self._feed.tell(change)
        return len(ending)

    async def revoke_user(self, user: UserId, *, disable: bool, now: datetime) -> int:
        if user not in self._people.users and user not in self._people.services:
            raise UserNotFound
        ended = await self.end_all(user, spare=None, now=now)
        if disable:
            self._people.close(user)
        await self._feed.tell(user_revoked(user, now))
        return ended

    async def end_bound_to(self, organization: OrganizationId, now: datetime) -> int:
        """Every session that is bound to an organization which goes; how many it was."""
        bound = [s for s in self._sessions.values() if s.organization_id == organization]
        for session in bound:
            await self._end(session.session_id, now)
        return len(bound)

    def _is_open(self, session: Session, now: datetime) -> bool:
        return session.session_id not in self._ended and session.expire_time > now

    async def _end(self, session: SessionId, now: datetime) -> None:
        self._ended.add(session)
        await self._feed.tell(session_revoked(session, now))
