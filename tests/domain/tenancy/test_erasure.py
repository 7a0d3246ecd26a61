"""What a receipt counts."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import OrganizationId, ReceiptId, UserId
from domain.tenancy.erasure import ErasureReceipt

counters = st.dictionaries(st.sampled_from(("chunks", "runs", "blobs")), st.integers(0, 9))
RECEIPT = ErasureReceipt(
    receipt_id=ReceiptId(UUID(int=1)),
    organization_id=OrganizationId(UUID(int=2)),
    space_id=None,
    spaces=(),
    requester=UserId(UUID(int=3)),
    counts={},
    create_time=datetime(2026, 5, 4, tzinfo=UTC),
    finish_time=None,
)


def test_counts_add_up_by_kind_and_kinds_of_nothing_are_left_out() -> None:
    once = RECEIPT.with_counts({"runs": 2, "blobs": 0, "chunks": 1})
    assert once.counts == {"runs": 2, "chunks": 1}
    assert once.with_counts({"blobs": 3, "runs": 4}).counts == {"runs": 6, "chunks": 1, "blobs": 3}


@given(first=counters, second=counters)
def test_the_order_of_counting_does_not_matter(
    first: dict[str, int], second: dict[str, int]
) -> None:
    one = RECEIPT.with_counts(first).with_counts(second)
    assert one.counts == RECEIPT.with_counts(second).with_counts(first).counts
    assert sum(one.counts.values()) == sum(first.values()) + sum(second.values())
    assert all(one.counts.values())
