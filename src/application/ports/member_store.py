from datetime import datetime
from typing import Protocol

from domain.identifiers import OrganizationId, UserId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.invitation import Invitation
from domain.tenancy.members import Member


class MemberStore(Protocol):
    """Who belongs to an organization and to its spaces.

    A change is judged by `domain.tenancy.members` against what holds at that very moment: changes
    of one organization's members happen one after another. Each moves the member's epoch.
    """

    async def members(self, organization: OrganizationId, page: PageRequest) -> Page[Member]:
        """The organization's, by user id."""
        ...

    async def change(
        self, organization: OrganizationId, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        """Give the member another role, or remove them from the organization and all its spaces.

        Returns the member as they are now, or as they were. A service that is removed is revoked.
        Raises whatever `check_member_change` does.
        """
        ...

    async def space_members(self, space: SpaceAccess, page: PageRequest) -> Page[Member]:
        """The space's own, with their roles there, by user id."""
        ...

    async def change_in_space(
        self, space: SpaceAccess, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        """Give a member of the organization a role in the space, or remove them from it.

        Returns the member as they are now, or as they were there. Raises whatever
        `check_space_member_change` does.
        """
        ...

    async def invitation(self, token_hash: bytes, now: datetime) -> Invitation:
        """The open invitation of a token, left as it is. Raises InvitationNotFound."""
        ...

    async def accept(self, token_hash: bytes, user: UserId, now: datetime) -> Invitation:
        """Make the user a member as the invitation says, and use it up: only one attempt wins.

        A role that the user has already is never weakened; spaces that are gone are passed over.
        Whoever accepts for a caller settles afterwards.

        Raises:
            InvitationNotFound: not open, not to this user's email, or more than its inviter could
                give today.
        """
        ...
