"""Who belongs to organizations and spaces, in memory."""

from datetime import datetime

from adapters.memory.pages import oldest_first
from adapters.memory.tenants import MemoryTenants
from domain.auth.account import User
from domain.identifiers import OrganizationId, UserId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Role, SpaceAccess, stronger
from domain.tenancy.client import KnownClient
from domain.tenancy.invitation import Invitation, InvitationNotFound, given_today
from domain.tenancy.members import (
    Member,
    MemberNotFound,
    check_member_change,
    check_space_member_change,
)


class MemoryMemberStore:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants

    async def members(self, organization: OrganizationId, page: PageRequest) -> Page[Member]:
        roles = self._tenants.organization_roles
        found = [
            self._named(user, role) for (home, user), role in roles.items() if home == organization
        ]
        return oldest_first(found, page, lambda m: m.user_id)

    async def change(
        self, organization: OrganizationId, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        roles = self._tenants.organization_roles
        current = roles.get((organization, user))
        check_member_change(
            actor=roles.get((organization, actor)),
            current=current,
            new=role,
            other_owners=self._other_owners(organization, user),
            leaving=actor == user and role is None,
            service=user in self._tenants.clients,
        )
        if role is not None:
            self._tenants.set_role(organization, user, role)
        else:
            self._tenants.revoke_client(user)
            self._tenants.remove(organization, user)
        return self._named(user, role or current)

    async def space_members(self, space: SpaceAccess, page: PageRequest) -> Page[Member]:
        place = self._tenants.spaces.get(space.space_id)
        here = place is not None and place.organization_id == space.organization_id
        found = [
            self._named(user, role)
            for (inside, user), role in self._tenants.space_roles.items()
            if here and inside == space.space_id
        ]
        return oldest_first(found, page, lambda m: m.user_id)

    async def change_in_space(
        self, space: SpaceAccess, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        place = space.space_id
        standing = self._tenants.access(place, actor)
        current = self._tenants.space_roles.get((place, user))
        check_space_member_change(
            actor=standing.role if standing else None,
            member=(space.organization_id, user) in self._tenants.organization_roles,
            current=current,
            new=role,
            service=user in self._tenants.clients,
        )
        if role is not None:
            self._tenants.set_space_role(place, user, role)
        else:
            self._tenants.remove_from_space(place, user)
        return self._named(user, role or current)

    async def invitation(self, token_hash: bytes, now: datetime) -> Invitation:
        found = self._tenants.invitations.get(token_hash)
        if found is None or found.expire_time <= now:
            raise InvitationNotFound
        return found

    async def accept(self, token_hash: bytes, user: UserId, now: datetime) -> Invitation:
        invitation = await self.invitation(token_hash, now)
        person = self._tenants.people.users.get(user)
        inviter = self._tenants.people.users.get(invitation.inviter)
        home = invitation.organization_id
        giver = self._tenants.organization_roles.get((home, invitation.inviter))
        if person is None or person.disabled or person.email != invitation.email:
            raise InvitationNotFound
        if giver is None or (inviter is not None and inviter.disabled):
            raise InvitationNotFound
        given = given_today(invitation, giver, self._tenants.standings(home, invitation.inviter))
        current = self._tenants.organization_roles.get((home, user))
        self._tenants.set_role(home, user, stronger(invitation.role, current))
        for space, role in given.items():
            inside = self._tenants.space_roles.get((space, user))
            self._tenants.set_space_role(space, user, stronger(role, inside))
        del self._tenants.invitations[token_hash]
        return invitation

    def _other_owners(self, organization: OrganizationId, user: UserId) -> int:
        users = self._tenants.people.users
        owners = [
            one
            for (home, one), role in self._tenants.organization_roles.items()
            if home == organization and role is Role.OWNER and one != user
        ]
        return len([one for one in owners if one not in users or not users[one].disabled])

    def _named(self, user: UserId, role: Role | None) -> Member:
        if role is None:
            raise MemberNotFound
        person, known = self._tenants.people.users.get(user), self._tenants.clients.get(user)
        return Member(
            user_id=user,
            email=(person.email or "") if person else "",
            display_name=_name(person, known),
            role=role,
            service=known is not None,
        )


def _name(person: User | None, known: KnownClient | None) -> str:
    if person is not None:
        return person.display_name
    return known.client.display_name if known is not None else ""
