from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.identifiers import ReceiptId
from domain.tenancy.erasure import ErasureReceipt


class ErasureStore(Protocol):
    """Removes a tenant from the stores that share one transaction, and keeps the receipts."""

    async def begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
        """Remove the receipt's space, or without one its whole organization, with all in it.

        Afterwards nobody can enter it or add to it: members are none, sessions and services that
        are bound to the organization have ended, and every process will know. The receipt comes
        back with its `spaces` and `counts`, and is kept in the same transaction: there is never a
        removal without a receipt.

        Raises:
            SpaceNotFound, OrganizationNotFound: it is not there (any more); nothing was done.
        """
        ...

    async def finish(
        self, receipt_id: ReceiptId, counts: Mapping[str, int], finish_time: datetime
    ) -> None:
        """Say that nothing is left, with the final counts; only the first time counts."""
        ...

    async def get(self, receipt_id: ReceiptId) -> ErasureReceipt:
        """Raises ErasureReceiptNotFound."""
        ...

    async def unfinished(self, since: datetime) -> tuple[ErasureReceipt, ...]:
        """Receipts without a finish, and those finished after `since`; oldest first."""
        ...
