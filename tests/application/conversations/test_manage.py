"""Conversations, and the runs that read as one reads them."""

import pytest

from application.conversations.manage import ManageConversations
from application.runs.read import ReadRuns
from domain.conversations.conversation import ConversationNotFound
from domain.errors import InvalidInput
from domain.paging import PageRequest
from domain.runs.run import RunNotFound
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of
from fixtures.making import new_home
from fixtures.making import run as a_run

PAGE = PageRequest()


@pytest.fixture
def manage(house: House) -> ManageConversations:
    return ManageConversations(
        conversations=house.stores.conversations, clock=house.clock, entropy=house.entropy
    )


async def test_a_conversation_is_made_read_and_deleted(
    house: House, manage: ManageConversations
) -> None:
    context = context_of(house.home)
    made = await manage.create(context, title=" Launch ")
    assert (made.title, made.space_id) == ("Launch", house.home.space)
    assert (await manage.list(context, page=PAGE)).items == (made,)
    asked = a_run(house.home, "Which fish?", conversation_id=made.conversation_id)
    await house.stores.runs.create(asked, None)
    messages = await manage.messages(context, conversation_id=made.conversation_id, page=PAGE)
    assert [message.content for message in messages.items] == ["Which fish?"]
    await manage.delete(context, conversation_id=made.conversation_id)
    with pytest.raises(ConversationNotFound):
        await manage.messages(context, conversation_id=made.conversation_id, page=PAGE)


async def test_who_may_only_read_neither_makes_nor_deletes(
    house: House, manage: ManageConversations
) -> None:
    made = await manage.create(context_of(house.home), title="")
    reader = context_of(house.home, Role.REVIEWER)
    with pytest.raises(ActionNotAllowed):
        await manage.create(reader, title="")
    with pytest.raises(ActionNotAllowed):
        await manage.delete(reader, conversation_id=made.conversation_id)
    assert (await manage.list(reader, page=PAGE)).items == (made,)


async def test_a_title_that_is_too_long_is_refused(
    house: House, manage: ManageConversations
) -> None:
    with pytest.raises(InvalidInput):
        await manage.create(context_of(house.home), title="x" * 201)


async def test_runs_are_read_in_their_space_alone(house: House) -> None:
    read, run = ReadRuns(runs=house.stores.runs), await house.queued()
    reader = context_of(house.home, Role.VIEWER)
    assert await read.get(reader, run_id=run.run_id) == run
    assert (await read.list(reader, page=PAGE)).items == (run,)
    elsewhere = context_of(await new_home(house.stores.tenancy))
    with pytest.raises(RunNotFound):
        await read.get(elsewhere, run_id=run.run_id)
    assert (await read.list(elsewhere, page=PAGE)).items == ()
