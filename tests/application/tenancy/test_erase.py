"""EraseTenant: who may, in which order, and what is left."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from application.context import RequestContext
from domain.auth.claims import Claims
from domain.errors import Conflict
from domain.identifiers import DocumentId, OrganizationId, ReceiptId, SpaceId, UserId
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.erasing import Ground, uploaded
from fixtures.house import context_of
from fixtures.making import new_home, new_id, space
from fixtures.stores import Stores, memory_stores, postgres_stores


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    return postgres_stores(request.getfixturevalue("pool"))


@pytest_asyncio.fixture
async def ground(stores: Stores, tmp_path: Path) -> Ground:
    return Ground(stores=stores, home=await new_home(stores.tenancy), root=tmp_path / "blobs")


def named(context: RequestContext, **claims: object) -> RequestContext:
    changed: Claims = replace(context.claims, **claims)  # type: ignore[arg-type]  # by name
    return replace(context, claims=changed)


async def test_a_space_goes_with_rows_files_and_caches(ground: Ground) -> None:
    await uploaded(ground)
    receipt = await ground.erase().space(context_of(ground.home))
    assert receipt.finish_time is not None
    assert receipt.requester == ground.home.owner
    assert receipt.counts == {
        "spaces": 1,
        "space_members": 1,
        "documents": 1,
        "blobs": 1,
        "cache_entries": 2,
    }
    assert ground.files == []
    assert ground.cache.forgotten == [ground.home.space]
    assert await ground.documents_left() == 0


async def test_everybody_knows_before_the_files_go(ground: Ground) -> None:
    """Else a process that has not heard yet could fill a space that was swept."""
    await uploaded(ground)
    await ground.erase().space(context_of(ground.home))
    assert ground.settled == ["rows gone: True, files: 2"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
async def test_only_an_owner_erases_a_space(ground: Ground, role: Role) -> None:
    with pytest.raises(ActionNotAllowed):
        await ground.erase().space(context_of(ground.home, role))
    assert await ground.stores.tenancy.access_to(ground.home.space, ground.home.owner)


async def test_a_space_that_went_a_moment_ago_is_not_found(ground: Ground) -> None:
    await ground.erase().space(context_of(ground.home))
    with pytest.raises(SpaceNotFound):
        await ground.erase().space(context_of(ground.home))


async def test_an_organization_goes_with_all_its_spaces(ground: Ground) -> None:
    second = SpaceId(new_id())
    await ground.stores.tenancy.add_space(
        space(ground.home.organization, second), ground.home.owner
    )
    await ground.blobs.put(second, DocumentId(new_id()), b"2")
    await uploaded(ground)
    receipt = await ground.erase().organization(
        context_of(ground.home, None), ground.home.organization
    )
    assert receipt.space_id is None
    assert receipt.counts["blobs"] == 2
    assert ground.files == []
    assert set(ground.cache.forgotten) == {ground.home.space, second}


async def test_a_stranger_erases_no_organization(ground: Ground) -> None:
    erase, home = ground.erase(), ground.home
    away = await new_home(ground.stores.tenancy)
    stranger = named(context_of(home, None), subject=UserId(new_id()))
    elsewhere = named(context_of(home, None), organization_id=away.organization)
    missing = OrganizationId(new_id())
    for context, organization in (
        (stranger, home.organization),
        (elsewhere, home.organization),
        (context_of(home, None), away.organization),
        (context_of(home, None), missing),
    ):
        with pytest.raises(OrganizationNotFound):
            await erase.organization(context, organization)
    assert await ground.stores.tenancy.role_in(home.organization, home.owner) is Role.OWNER


async def test_a_receipt_is_for_who_asked(ground: Ground) -> None:
    erase, context = ground.erase(), context_of(ground.home, None)
    receipt = await erase.space(context_of(ground.home))
    assert await erase.receipt(context, receipt.receipt_id) == receipt
    with pytest.raises(ErasureReceiptNotFound) as foreign:
        await erase.receipt(named(context, subject=UserId(new_id())), receipt.receipt_id)
    with pytest.raises(ErasureReceiptNotFound) as missing:
        await erase.receipt(context, ReceiptId(new_id()))
    assert str(foreign.value) == str(missing.value)


async def test_what_keeps_an_erasure_from_going_on_is_made_up_for_at_the_next_start(
    ground: Ground,
) -> None:
    await uploaded(ground)
    ground.cache.away = True
    receipt = await ground.erase().space(context_of(ground.home))
    assert receipt.finish_time is None
    await ground.erase().resume()
    assert await pending(ground) == [receipt.receipt_id]
    ground.cache.away = False
    await ground.erase().resume()
    kept = await ground.erase().receipt(context_of(ground.home, None), receipt.receipt_id)
    assert kept.finish_time is not None
    assert ground.files == []


async def pending(ground: Ground) -> Sequence[ReceiptId]:
    found = await ground.stores.erasures.unfinished(ground.clock.now() + timedelta(days=2))
    return [receipt.receipt_id for receipt in found]


async def test_a_process_that_dies_in_the_middle_leaves_a_receipt_to_go_by(
    ground: Ground,
) -> None:
    await uploaded(ground)
    begun = ErasureReceipt(
        receipt_id=ReceiptId(new_id()),
        organization_id=ground.home.organization,
        space_id=ground.home.space,
        spaces=(ground.home.space,),
        requester=ground.home.owner,
        counts={},
        create_time=ground.clock.now(),
        finish_time=None,
    )
    await ground.stores.erasures.begin(begun)
    assert (len(ground.files), await pending(ground)) == (2, [begun.receipt_id])
    await ground.erase().resume()
    assert (ground.files, await pending(ground)) == ([], [])
    kept = await ground.erase().receipt(context_of(ground.home, None), begun.receipt_id)
    assert (kept.counts["documents"], kept.counts["blobs"]) == (1, 1)


async def test_bytes_that_a_dying_upload_left_are_swept_for_a_day(ground: Ground) -> None:
    await ground.erase().space(context_of(ground.home))
    await ground.blobs.put(ground.home.space, DocumentId(new_id()), b"late")
    await ground.erase().resume()
    assert ground.files == []


async def test_who_leaves_in_the_middle_does_not_stop_it(ground: Ground) -> None:
    await uploaded(ground)
    task = asyncio.ensure_future(ground.erase().space(context_of(ground.home)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ground.files == []
    assert await pending(ground) == []


async def test_it_is_tried_again_when_somebody_changes_the_same_people(ground: Ground) -> None:
    class Contended:
        """Two others come first."""

        def __init__(self) -> None:
            self.tries = 0

        async def begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
            self.tries += 1
            if self.tries < 3:
                raise Conflict("somebody else changed it")
            return await ground.stores.erasures.begin(receipt)

        async def finish(
            self, receipt_id: ReceiptId, counts: Mapping[str, int], finish_time: datetime
        ) -> None:
            await ground.stores.erasures.finish(receipt_id, counts, finish_time)

        async def get(self, receipt_id: ReceiptId) -> ErasureReceipt:
            return await ground.stores.erasures.get(receipt_id)

        async def unfinished(self, since: datetime) -> tuple[ErasureReceipt, ...]:
            return await ground.stores.erasures.unfinished(since)

    contended = Contended()
    receipt = await ground.erase(erasures=contended).space(context_of(ground.home))
    assert (contended.tries, receipt.finish_time is None) == (3, False)
