"""Erasure from the stores in memory, which share what is removed here."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from adapters.memory.authority_feed import MemoryAuthorityFeed
from adapters.memory.session_store import MemorySessionStore
from adapters.memory.settings_store import MemorySettingsStore
from adapters.memory.state import MemoryState
from adapters.memory.tenants import MemoryTenants
from domain.auth.revocation import KEPT_FOR, AuthorityChange, ChangeKind
from domain.identifiers import OrganizationId, ReceiptId, SpaceId
from domain.tenancy.access import Role
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound

Key = TypeVar("Key")
Value = TypeVar("Value")
_HEADS = (Role.OWNER, Role.ADMIN)


class MemoryErasureStore:
    def __init__(
        self,
        state: MemoryState,
        tenants: MemoryTenants,
        settings: MemorySettingsStore,
        sessions: MemorySessionStore,
        feed: MemoryAuthorityFeed,
    ) -> None:
        self._state = state
        self._tenants = tenants
        self._settings = settings
        self._sessions = sessions
        self._feed = feed
        self._receipts: dict[ReceiptId, ErasureReceipt] = {}

    async def begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
        if receipt.space_id is not None:
            begun = self._erase_space(receipt, receipt.space_id)
        else:
            begun = await self._erase_organization(receipt)
        self._receipts[begun.receipt_id] = begun
        return begun

    async def finish(
        self, receipt_id: ReceiptId, counts: Mapping[str, int], finish_time: datetime
    ) -> None:
        found = self._receipts.get(receipt_id)
        if found is not None and found.finish_time is None:
            self._receipts[receipt_id] = replace(
                found, counts=dict(counts), finish_time=finish_time
            )

    async def get(self, receipt_id: ReceiptId) -> ErasureReceipt:
        try:
            return self._receipts[receipt_id]
        except KeyError:
            raise ErasureReceiptNotFound from None

    async def unfinished(self, since: datetime) -> tuple[ErasureReceipt, ...]:
        return tuple(
            receipt
            for _, receipt in sorted(self._receipts.items())
            if receipt.finish_time is None or receipt.finish_time > since
        )

    def _erase_space(self, receipt: ErasureReceipt, space: SpaceId) -> ErasureReceipt:
        found = self._tenants.spaces.get(space)
        if found is None or found.organization_id != receipt.organization_id:
            raise SpaceNotFound
        return receipt.with_counts(self._remove(space))

    async def _erase_organization(self, receipt: ErasureReceipt) -> ErasureReceipt:
        organization = receipt.organization_id
        if organization not in self._tenants.organizations:
            raise OrganizationNotFound
        own = self._tenants.spaces.values()
        spaces = tuple(sorted(s.space_id for s in own if s.organization_id == organization))
        counts: Counter[str] = Counter()
        for space in spaces:
            counts += self._remove(space)
        counts["sessions"] = await self._sessions.end_bound_to(organization, receipt.create_time)
        counts["service_clients"] = await self._end_services(organization, receipt.create_time)
        counts += self._remove_outside(organization)
        return replace(receipt, spaces=spaces).with_counts(counts)

    def _remove(self, space: SpaceId) -> Counter[str]:
        self._move_epochs_of_heads(self._tenants.spaces[space].organization_id)
        members = [user for inside, user in self._tenants.space_roles if inside == space]
        for user in members:
            self._tenants.remove_from_space(space, user)
        del self._tenants.spaces[space]
        self._state.erased.add(space)
        state, (passages, messages, events) = self._state, self._inner(space)
        _without(state.requests, lambda key: key[0] == space)
        return Counter(
            {
                "spaces": 1,
                "space_members": len(members),
                "settings_versions": self._settings.remove(space),
                "chunks": passages,
                "vectors": passages,
                "messages": messages,
                "run_events": events,
                "document_uploads": _without(state.uploads, lambda key: key[0] == space),
                "picture_vectors": self._forget_pictures(space),
                "document_findings": self._forget_findings(space),
                "documents": _without(state.documents, lambda key: key[0] == space),
                "conversation_summaries": _without(state.summaries, lambda key: key[0] == space),
                "conversations": _without(state.conversations, lambda key: key[0] == space),
                "run_journal": self._forget_journals(space),
                "runs": _without(state.runs, lambda key: key[0] == space),
            }
        )

    def _forget_findings(self, space: SpaceId) -> int:
        findings = self._state.findings
        found = sum(len(kept) for key, kept in findings.items() if key[0] == space)
        _without(findings, lambda key: key[0] == space)
        return found

    def _forget_pictures(self, space: SpaceId) -> int:
        pictures = self._state.pictures
        found = sum(len(kept.vectors) for key, kept in pictures.items() if key[0] == space)
        _without(pictures, lambda key: key[0] == space)
        return found

    def _forget_journals(self, space: SpaceId) -> int:
        journals = self._state.journals
        marks = sum(len(kept) for key, kept in journals.items() if key[0] == space)
        _without(journals, lambda key: key[0] == space)
        return marks

    def _inner(self, space: SpaceId) -> tuple[int, int, int]:
        """Passages, messages and events, which stand in lists under what they belong to."""
        state = self._state
        found = (
            sum(len(kept) for key, kept in state.passages.items() if key[0] == space),
            sum(len(kept) for key, kept in state.messages.items() if key[0] == space),
            sum(len(kept) for key, kept in state.events.items() if key[0] == space),
        )
        _without(state.passages, lambda key: key[0] == space)
        _without(state.messages, lambda key: key[0] == space)
        _without(state.events, lambda key: key[0] == space)
        return found

    async def _end_services(self, organization: OrganizationId, now: datetime) -> int:
        """Services go, and with them every token of theirs."""
        tenants = self._tenants
        services = [
            client
            for client, known in tenants.clients.items()
            if known.client.organization_id == organization
        ]
        for client in services:
            tenants.revoke_client(client)
            del tenants.clients[client]
            await self._feed.tell(
                AuthorityChange(
                    kind=ChangeKind.USER, subject=str(client), expire_time=now + KEPT_FOR
                )
            )
        return len(services)

    def _remove_outside(self, organization: OrganizationId) -> Counter[str]:
        tenants = self._tenants
        members = [user for home, user in tenants.organization_roles if home == organization]
        for user in members:
            tenants.remove(organization, user)
        invitations = [
            token
            for token, invitation in tenants.invitations.items()
            if invitation.organization_id == organization
        ]
        for token in invitations:
            del tenants.invitations[token]
        del tenants.organizations[organization]
        return Counter(
            organizations=1,
            organization_members=len(members),
            invitations=len(invitations),
        )

    def _move_epochs_of_heads(self, organization: OrganizationId) -> None:
        for (home, user), role in self._tenants.organization_roles.items():
            if home == organization and role in _HEADS:
                self._tenants.epochs[user] += 1


def _without(kept: dict[Key, Value], gone: Callable[[Key], bool]) -> int:
    """Remove what `gone` says; how many it was."""
    keys = [key for key in kept if gone(key)]
    for key in keys:
        del kept[key]
    return len(keys)
