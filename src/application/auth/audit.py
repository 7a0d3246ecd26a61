"""The audit log: an act is written down before it is done, and its outcome once after it."""

import logging
from collections.abc import Mapping
from uuid import UUID

from application.context import Caller, RequestContext
from application.ports.audit_log import AuditLog
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.tenancy_store import TenancyStore
from application.tenancy.standing import role_for
from application.unbroken import unbroken
from domain.auth.audit import OK, AuditEvent, Ending, merged
from domain.errors import Unavailable
from domain.identifiers import AuditId, OrganizationId, UserId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Action

_log = logging.getLogger(__name__)
Subject = tuple[UserId, OrganizationId | None]


class AuditUnavailable(Unavailable):
    reason = "AUDIT_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the audit log cannot be written, so nothing was done; try again")


class AuditActs:
    """Writes acts down. Nobody writes into the log of an organization that is not theirs."""

    def __init__(
        self, *, log: AuditLog, tenancy: TenancyStore, clock: Clock, entropy: Entropy
    ) -> None:
        self._log = log
        self._tenancy = tenancy
        self._clock = clock
        self._entropy = entropy

    async def begin(
        self,
        context: RequestContext | None,
        *,
        caller: Caller,
        action: str,
        objects: Mapping[str, str],
    ) -> AuditEvent:
        """Call before the act. Without a `context` nobody is known to act yet.

        Raises:
            AuditUnavailable: it could not be written; then the act must not be done.
        """
        try:
            event = AuditEvent(
                audit_id=AuditId(self._entropy.uuid()),
                action=action,
                actor=context.user_id if context else None,
                organization_id=await self._organization(context, objects),
                space_id=context.space.space_id if context and context.space else None,
                objects=dict(objects),
                address=caller.address,
                correlation_id=caller.correlation_id,
                outcome=None,
                create_time=self._clock.now(),
            )
            await self._log.begin(event)
        except Exception as error:
            _log.error("the audit log cannot be written: %s", type(error).__name__)
            raise AuditUnavailable from error
        return event

    async def end(
        self,
        event: AuditEvent,
        context: RequestContext | None,
        *,
        outcome: str,
        objects: Mapping[str, str],
        subject: Subject | None = None,
    ) -> None:
        """Call after the act, however it ended. `subject` is who signed in by it.

        Never raises: the act is done, and one without an outcome says that it was cut off.
        """
        try:
            await unbroken(self._end(event, context, outcome, objects, subject))
        except Exception as error:  # noqa: BLE001 - what is done must still be answered
            _log.error(
                "the outcome %s of %s (correlation id %s) was not kept: %s",
                outcome,
                event.action,
                event.correlation_id,
                type(error).__name__,
            )

    async def _end(
        self,
        event: AuditEvent,
        context: RequestContext | None,
        outcome: str,
        objects: Mapping[str, str],
        subject: Subject | None,
    ) -> None:
        # A sign-in that failed proves nobody, and belongs to no organization.
        user, organization = subject if subject and outcome == OK else (None, None)
        if event.organization_id is None and context and outcome == OK:
            organization = await self._organization(context, objects)
        ending = Ending(
            outcome=outcome,
            objects=merged(event.objects, objects),
            actor=user,
            organization_id=organization,
        )
        await self._log.end(event.audit_id, ending)

    async def _organization(
        self, context: RequestContext | None, objects: Mapping[str, str]
    ) -> OrganizationId | None:
        """Whose log the act belongs to: the space's, the token's, or one that it names.

        A token outlives the membership that it was made under, so only a member's act counts, or
        a service's, which is one as long as it is not revoked.
        """
        if context is None:
            return None
        if context.space is not None:
            return context.space.organization_id
        home = context.claims.organization_id or _named(objects)
        if home is None:
            return None
        member = await self._tenancy.role_in(home, context.user_id) is not None
        return home if member else None


def _named(objects: Mapping[str, str]) -> OrganizationId | None:
    try:
        return OrganizationId(UUID(objects.get("organization_id", "")))
    except ValueError:
        return None


class ReadAudit:
    def __init__(self, *, log: AuditLog, tenancy: TenancyStore) -> None:
        self._log = log
        self._tenancy = tenancy

    async def list(
        self, context: RequestContext, *, organization_id: OrganizationId, page: PageRequest
    ) -> Page[AuditEvent]:
        """What was done in an organization, newest first; for its owners and admins.

        Raises OrganizationNotFound (also for a stranger), ActionNotAllowed.
        """
        await role_for(self._tenancy, context, organization_id, Action.READ_AUDIT)
        return await self._log.list(organization_id, page)
