"""What was said stands as it was committed, whichever server with whichever clock said it."""

from uuid import UUID

from adapters.local.entropy import SystemEntropy
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.pool import Pool
from adapters.postgres.run_store import PostgresRunStore
from domain.conversations.conversation import Message
from domain.paging import PageRequest
from domain.runs.event import Drafted, EventKind, RunCompleted
from domain.runs.run import TerminationReason
from fixtures.making import Home, conversation, new_home, run
from fixtures.stores import Stores, postgres_stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


class Behind(SystemEntropy):
    """Of a server whose clock goes backwards."""

    def __init__(self) -> None:
        self._last = (1 << 127) | (7 << 76)

    def uuid(self) -> UUID:
        self._last -= 1 << 80
        return UUID(int=self._last)


async def _said(stores: Stores, home: Home, size: int) -> list[Message]:
    """The whole history, page by page."""
    (thread,) = (await stores.conversations.list(home.space, PageRequest())).items
    said: list[Message] = []
    after: UUID | None = None
    while True:
        page = await stores.conversations.messages(
            home.space, thread.conversation_id, PageRequest(size=size, after=after)
        )
        said += page.items
        after = page.next_after
        if after is None:
            return said


async def test_a_history_is_read_in_the_order_of_its_commits(pool: Pool) -> None:
    stores, behind = postgres_stores(pool), Behind()
    home = await new_home(stores.tenancy)
    thread = conversation(home)
    await stores.conversations.add(thread)
    runs, log = PostgresRunStore(pool, behind), PostgresEventLog(pool, behind)
    for text in ("one", "two"):
        asked = run(home, text, conversation_id=thread.conversation_id)
        await runs.create(asked, None)
        claimed = await runs.claim(home.space, asked.run_id)
        answer: list[EventKind] = [Drafted(text=text.upper()), COMPLETE]
        await log.append(home.space, asked.run_id, claimed.fence, answer)
    for size in (1, 3, 9):
        said = await _said(stores, home, size)
        assert [message.content for message in said] == ["one", "ONE", "two", "TWO"]
    ids = [message.message_id for message in said]
    assert ids == sorted(ids, reverse=True), "by their ids they would stand the other way round"


async def test_a_history_goes_on_after_a_message_that_was_taken_out(pool: Pool) -> None:
    stores = postgres_stores(pool)
    home = await new_home(stores.tenancy)
    thread = conversation(home)
    await stores.conversations.add(thread)
    for text in ("one", "two", "three"):
        await stores.runs.create(run(home, text, conversation_id=thread.conversation_id), None)
    said = await _said(stores, home, 9)
    async with pool.in_space(home.space) as connection:
        await connection.execute(
            "delete from obelisk.messages where message_id = $1", said[1].message_id
        )
    after = PageRequest(after=said[1].message_id)
    page = await stores.conversations.messages(home.space, thread.conversation_id, after)
    assert [message.content for message in page.items] == ["three"]
