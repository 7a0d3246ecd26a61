"""Erasure: a space or an organization goes, with all that is in it, and leaves a receipt.

The order is such that nothing new can appear. One transaction removes the rows, memberships among
them, and keeps the receipt; what stands outside of the database follows, and an upload, an
ingestion or a run that was under way finds nothing to write to. Each step may be done twice:
whatever a crash leaves undone is done at the next start.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from application.context import RequestContext
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.context_cache import ContextCache
from application.ports.entropy import Entropy
from application.ports.erasure_store import ErasureStore
from application.ports.jobs import Jobs
from application.ports.tenancy_store import TenancyStore
from application.tenancy.standing import role_for
from application.unbroken import unbroken
from domain.errors import Conflict
from domain.identifiers import OrganizationId, ReceiptId, SpaceId
from domain.tenancy.access import Action
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound

# An upload that dies between its bytes and its row leaves them behind, finished erasure or not.
_SWEPT_AGAIN_FOR = timedelta(days=1)
_TRIES = 3
_log = logging.getLogger(__name__)


class EraseTenant:
    def __init__(
        self,
        *,
        erasures: ErasureStore,
        tenancy: TenancyStore,
        blobs: BlobStore,
        jobs: Jobs,
        caches: Sequence[ContextCache],
        settle: Callable[[], Awaitable[None]],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`settle` returns once every process knows what was committed before."""
        self._erasures = erasures
        self._tenancy = tenancy
        self._blobs = blobs
        self._jobs = jobs
        self._caches = tuple(caches)
        self._settle = settle
        self._clock = clock
        self._entropy = entropy

    async def space(self, context: RequestContext) -> ErasureReceipt:
        """Erase the request's space; for its owner.

        The receipt is finished, unless something kept the erasure from going on: then it goes on at
        the next start. Raises SpaceNotFound, ActionNotAllowed, Conflict (nothing was done).
        """
        space = context.space_for(Action.DELETE_SPACE)
        assert context.space is not None  # `space_for` has seen it
        return await unbroken(
            self._erase(self._receipt(context, context.space.organization_id, space))
        )

    async def organization(
        self, context: RequestContext, organization_id: OrganizationId
    ) -> ErasureReceipt:
        """Erase an organization with its spaces; for its owner. People's accounts stay.

        Raises OrganizationNotFound (also for a stranger), ActionNotAllowed, Conflict.
        """
        await role_for(self._tenancy, context, organization_id, Action.DELETE_ORGANIZATION)
        return await unbroken(self._erase(self._receipt(context, organization_id, None)))

    async def receipt(self, context: RequestContext, receipt_id: ReceiptId) -> ErasureReceipt:
        """For who asked for the erasure. Raises ErasureReceiptNotFound."""
        found = await self._erasures.get(receipt_id)
        if found.requester != context.user_id:
            raise ErasureReceiptNotFound
        return found

    async def resume(self) -> None:
        """Go on with what an earlier process left undone; called at every start."""
        since = self._clock.now() - _SWEPT_AGAIN_FOR
        for receipt in await self._erasures.unfinished(since):
            await self._go_on(receipt)

    def _receipt(
        self, context: RequestContext, organization: OrganizationId, space: SpaceId | None
    ) -> ErasureReceipt:
        return ErasureReceipt(
            receipt_id=ReceiptId(self._entropy.uuid()),
            organization_id=organization,
            space_id=space,
            spaces=() if space is None else (space,),
            requester=context.user_id,
            counts={},
            create_time=self._clock.now(),
            finish_time=None,
        )

    async def _erase(self, receipt: ErasureReceipt) -> ErasureReceipt:
        begun = await self._begin(receipt)
        stopped = [await self._jobs.stop(space) for space in begun.spaces]
        # From here on no process lets anybody in by what it knew before.
        await self._settle()
        return await self._go_on(begun.with_counts({"jobs": sum(stopped)}))

    async def _begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
        """It touches everybody who is a member, and so do others at the same time."""
        for _ in range(_TRIES - 1):
            with suppress(Conflict):
                return await self._erasures.begin(receipt)
        return await self._erasures.begin(receipt)

    async def _go_on(self, receipt: ErasureReceipt) -> ErasureReceipt:
        try:
            done = receipt.with_counts(await self._remove_what_is_no_row(receipt))
            now = self._clock.now()
            await self._erasures.finish(done.receipt_id, done.counts, now)
        except Exception:  # noqa: BLE001 - the rows are gone; the rest has a receipt to go by
            _log.exception("erasure %s goes on at the next start", receipt.receipt_id)
            return receipt
        return replace(done, finish_time=receipt.finish_time or now)

    async def _remove_what_is_no_row(self, receipt: ErasureReceipt) -> Counter[str]:
        counts = Counter({"blobs": await self._remove_blobs(receipt)})
        for cache in self._caches:
            for space in receipt.spaces:
                counts["cache_entries"] += await cache.forget(space)
        return counts

    async def _remove_blobs(self, receipt: ErasureReceipt) -> int:
        return sum([await self._blobs.delete_space(space) for space in receipt.spaces])
