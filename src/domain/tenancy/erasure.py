"""The receipt of an erasure: that it was asked for, by whom, and what was removed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import NotFound
from domain.identifiers import OrganizationId, ReceiptId, SpaceId, UserId


class ErasureReceiptNotFound(NotFound):
    """Also what anybody gets but the one who asked for the erasure."""

    reason = "ERASURE_RECEIPT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such receipt", field="receipt_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReceipt:
    """It outlives what it speaks of, so it holds ids, counts and times, and nothing else.

    `space_id` is None when the whole organization goes; `spaces` are all that go with it. `counts`
    say how many were removed, by kind. `finish_time` is None until nothing is left.
    """

    receipt_id: ReceiptId
    organization_id: OrganizationId
    space_id: SpaceId | None
    spaces: tuple[SpaceId, ...]
    requester: UserId
    counts: Mapping[str, int]
    create_time: datetime
    finish_time: datetime | None

    def with_counts(self, counts: Mapping[str, int]) -> "ErasureReceipt":
        """With more that was removed; kinds of which there were none are left out."""
        kinds = dict.fromkeys((*self.counts, *counts))
        summed = {kind: self.counts.get(kind, 0) + counts.get(kind, 0) for kind in kinds}
        return replace(self, counts={kind: count for kind, count in summed.items() if count})
