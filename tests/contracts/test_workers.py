"""The contract of `Workers`, on every adapter."""

from datetime import timedelta

import pytest

from application.jobs import IngestDocumentJob
from domain.documents.document import IngestState
from domain.identifiers import ConversationId, DocumentId, RunId, WorkerId
from domain.runs.admission import Admission, DoubleText
from domain.runs.event import RunCompleted, TokenBatch
from domain.runs.lease import HeldRun, WorkerKind
from domain.runs.run import CancelReason, FenceLost, Run, RunState, TerminationReason
from fixtures.making import (
    MODEL,
    NOON,
    Home,
    conversation,
    document,
    new_id,
    passages,
    run,
    structure,
)
from fixtures.stores import Stores

SERVER = WorkerKind.SERVER
FOREVER = timedelta(days=3650)
FAR = NOON + FOREVER


@pytest.fixture
def worker() -> WorkerId:
    return WorkerId(new_id())


@pytest.fixture
def other() -> WorkerId:
    return WorkerId(new_id())


async def _queued(stores: Stores, home: Home, thread: ConversationId | None = None) -> Run:
    return (await stores.runs.create(run(home, conversation_id=thread), None)).run


async def _claimed(
    stores: Stores, worker: WorkerId, room: int = 10, *, running_limit: int = 10
) -> list[RunId]:
    claimed = await stores.workers.claim_runs(worker, room, running_limit=running_limit)
    assert all(one.state is RunState.RUNNING and one.worker_id == worker for one in claimed)
    return [one.run_id for one in claimed]


async def _ended(stores: Stores, one: Run) -> None:
    kept = await stores.runs.get(one.space_id, one.run_id)
    done = RunCompleted(reason=TerminationReason.COMPLETE)
    await stores.log.append(one.space_id, one.run_id, kept.fence, [done])


def _held(one: Run, reason: CancelReason | None = None) -> HeldRun:
    return HeldRun(
        space_id=one.space_id, run_id=one.run_id, fence=one.fence + 1, cancel_reason=reason
    )


async def test_a_beat_answers_the_runs_of_the_process_in_all_spaces(
    stores: Stores, home: Home, away: Home, worker: WorkerId, other: WorkerId
) -> None:
    assert await stores.workers.beat(worker, SERVER) == ()
    ours, theirs, ended = [await _queued(stores, where) for where in (home, away, home)]
    await _claimed(stores, worker)
    await _ended(stores, ended)
    foreign = await _queued(stores, home)
    await _claimed(stores, other)
    assert set(await stores.workers.beat(worker, SERVER)) == {_held(ours), _held(theirs)}
    assert await stores.workers.beat(other, SERVER) == (_held(foreign),)


@pytest.mark.parametrize("reason", CancelReason)
async def test_a_beat_says_which_run_is_to_stop_and_why(
    stores: Stores, home: Home, worker: WorkerId, reason: CancelReason
) -> None:
    one = await _queued(stores, home)
    await _claimed(stores, worker)
    await stores.runs.request_cancel(home.space, one.run_id, reason)
    await stores.runs.request_cancel(home.space, one.run_id, CancelReason.USER)
    assert await stores.workers.beat(worker, SERVER) == (_held(one, reason),)


async def test_a_run_of_a_process_that_is_gone_waits_again(
    stores: Stores, home: Home, worker: WorkerId, other: WorkerId
) -> None:
    one, two = await _queued(stores, home), await _queued(stores, home)
    await stores.fleeting.beat(worker, SERVER)
    await stores.workers.beat(other, SERVER)
    assert await _claimed(stores, worker, 1) == [one.run_id]
    assert await _claimed(stores, other, 1) == [two.run_id]
    assert await stores.workers.reap() == 1
    assert await stores.workers.reap() == 0
    waiting = await stores.runs.get(home.space, one.run_id)
    assert (waiting.state, waiting.worker_id, waiting.attempts) == (RunState.QUEUED, None, 1)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, one.run_id, 1, [TokenBatch(text="too late")])
    assert await _claimed(stores, other) == [one.run_id]
    again = await stores.runs.get(home.space, one.run_id)
    assert (again.fence, again.attempts) == (2, 2)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, one.run_id, 1, [TokenBatch(text="far too late")])


async def test_a_process_that_never_beat_is_gone(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    await _queued(stores, home)
    await _claimed(stores, worker)
    assert await stores.workers.reap() == 1


async def test_the_oldest_runs_of_a_space_come_first(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    made = [await _queued(stores, home) for _ in range(4)]
    assert await _claimed(stores, worker, 1) == [made[0].run_id]
    assert sorted(await _claimed(stores, worker, 2)) == [made[1].run_id, made[2].run_id]
    assert await _claimed(stores, worker, 5) == [made[3].run_id]
    assert await _claimed(stores, worker, 5) == []


async def test_no_more_of_a_space_are_running_than_may(
    stores: Stores, home: Home, away: Home, worker: WorkerId, other: WorkerId
) -> None:
    ours = [await _queued(stores, home) for _ in range(5)]
    theirs = [await _queued(stores, away) for _ in range(2)]
    first = await _claimed(stores, worker, 10, running_limit=3)
    assert set(first) == {one.run_id for one in ours[:3] + theirs}
    assert await _claimed(stores, other, 10, running_limit=3) == []
    await _ended(stores, ours[1])
    assert await _claimed(stores, other, 10, running_limit=3) == [ours[3].run_id]


async def test_a_quiet_space_comes_before_a_noisy_one(
    stores: Stores, home: Home, away: Home, worker: WorkerId
) -> None:
    noisy = [await _queued(stores, home) for _ in range(20)]
    assert await _claimed(stores, worker, 1) == [noisy[0].run_id]
    quiet = await _queued(stores, away)
    assert await _claimed(stores, worker, 1) == [quiet.run_id]
    assert await _claimed(stores, worker, 1) == [noisy[1].run_id]


async def test_a_conversation_is_answered_one_question_at_a_time(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    thread, beside = conversation(home), conversation(home)
    for one in (thread, beside):
        await stores.conversations.add(one)
    first = await _queued(stores, home, thread.conversation_id)
    second = await _queued(stores, home, thread.conversation_id)
    elsewhere = await _queued(stores, home, beside.conversation_id)
    assert sorted(await _claimed(stores, worker)) == [first.run_id, elsewhere.run_id]
    assert await _claimed(stores, worker) == []
    await _ended(stores, first)
    assert await _claimed(stores, worker) == [second.run_id]


async def test_one_that_is_only_to_be_ended_keeps_no_later_one_waiting(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    made = [await _queued(stores, home, thread.conversation_id) for _ in range(3)]
    await stores.runs.request_cancel(home.space, made[1].run_id)
    assert sorted(await _claimed(stores, worker)) == [made[0].run_id, made[1].run_id]
    await _ended(stores, made[0])
    assert await _claimed(stores, worker) == []
    await _ended(stores, made[1])
    assert await _claimed(stores, worker) == [made[2].run_id]


@pytest.mark.parametrize("spent", [True, False])
async def test_what_is_let_go_waits_again_and_has_spent_its_attempt_or_not(
    stores: Stores, home: Home, worker: WorkerId, spent: bool
) -> None:
    one = await _queued(stores, home)
    await _claimed(stores, worker)
    (held,) = await stores.workers.beat(worker, SERVER)
    await stores.workers.release(held, spent=spent)
    waiting = await stores.runs.get(home.space, one.run_id)
    assert (waiting.state, waiting.attempts) == (RunState.QUEUED, int(spent))
    assert await _claimed(stores, worker) == [one.run_id]
    await stores.workers.release(held, spent=spent)
    assert (await stores.runs.get(home.space, one.run_id)).state is RunState.RUNNING


async def _reaped(stores: Stores, home: Home, worker: WorkerId, other: WorkerId) -> Run:
    """A run that `other` has, because `worker` did not beat for a while."""
    one = await _queued(stores, home)
    await stores.fleeting.beat(worker, SERVER)
    await stores.workers.beat(other, SERVER)
    await _claimed(stores, worker)
    assert await stores.workers.reap() == 1
    assert await _claimed(stores, other) == [one.run_id]
    return one


async def test_who_was_only_cut_off_spent_no_attempt_and_has_lost_the_run_all_the_same(
    stores: Stores, home: Home, worker: WorkerId, other: WorkerId
) -> None:
    one = await _reaped(stores, home, worker, other)
    assert await stores.workers.beat(worker, SERVER, was_cut_off=True) == ()
    kept = await stores.runs.get(home.space, one.run_id)
    assert (kept.attempts, kept.fence, kept.worker_id) == (1, 2, other)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, one.run_id, 1, [TokenBatch(text="too late")])
    await stores.workers.beat(worker, SERVER, was_cut_off=True)
    await stores.workers.beat(other, SERVER, was_cut_off=True)
    assert (await stores.runs.get(home.space, one.run_id)).attempts == 1


async def test_a_run_that_waits_again_gets_its_attempt_back_too(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    one = await _queued(stores, home)
    await stores.fleeting.beat(worker, SERVER)
    await _claimed(stores, worker)
    await stores.workers.reap()
    await stores.workers.beat(worker, SERVER, was_cut_off=True)
    assert (await stores.runs.get(home.space, one.run_id)).attempts == 0


async def test_who_was_late_and_not_cut_off_gives_no_attempt_back(
    stores: Stores, home: Home, worker: WorkerId, other: WorkerId
) -> None:
    one = await _reaped(stores, home, worker, other)
    await stores.workers.beat(worker, SERVER)
    assert (await stores.runs.get(home.space, one.run_id)).attempts == 2


async def test_who_leaves_in_good_order_spends_no_attempt(
    stores: Stores, home: Home, away: Home, worker: WorkerId, other: WorkerId
) -> None:
    ours, theirs = await _queued(stores, home), await _queued(stores, away)
    await stores.workers.beat(worker, SERVER)
    await _claimed(stores, worker)
    made = document(home)
    await stores.documents.add(made)
    await stores.workers.claim_documents(worker, 1, at_work=())
    await stores.workers.leave(worker)
    for one in (ours, theirs):
        waiting = await stores.runs.get(one.space_id, one.run_id)
        assert (waiting.state, waiting.attempts) == (RunState.QUEUED, 0)
    assert set(await _claimed(stores, other)) == {ours.run_id, theirs.run_id}
    ((_, attempts),) = await stores.workers.claim_documents(other, 1, at_work=())
    assert attempts == 1


async def _documents(
    stores: Stores, worker: WorkerId, room: int = 10, *at_work: DocumentId
) -> list[tuple[DocumentId, int]]:
    claimed = await stores.workers.claim_documents(worker, room, at_work=at_work)
    return sorted((job.document_id, attempts) for job, attempts in claimed)


async def test_documents_on_their_way_are_taken_up_once(
    stores: Stores, home: Home, away: Home, worker: WorkerId, other: WorkerId
) -> None:
    made = [document(where, filename=f"{n}.md") for n, where in enumerate((home, away, home, home))]
    for one in made:
        await stores.documents.add(one)
    await stores.documents.move(away.space, made[1].document_id, IngestState.EMBEDDING)
    await stores.documents.move(home.space, made[2].document_id, IngestState.FAILED, "broken")
    await stores.documents.publish(made[3], structure(), passages("ready"), MODEL)
    await stores.workers.beat(worker, SERVER)
    wanted = [
        IngestDocumentJob(space_id=one.space_id, document_id=one.document_id, fence=1)
        for one in made[:2]
    ]
    claimed = await stores.workers.claim_documents(worker, 10, at_work=())
    assert sorted(claimed, key=lambda pair: pair[0].document_id) == [(job, 1) for job in wanted]
    assert await _documents(stores, other) == []
    here = [job.document_id for job in wanted]
    assert await _documents(stores, worker, 10, *here) == []


async def test_a_document_that_its_process_lost_is_taken_up_again(
    stores: Stores, home: Home, worker: WorkerId, other: WorkerId
) -> None:
    made = document(home)
    await stores.documents.add(made)
    await stores.workers.beat(worker, SERVER)
    assert await _documents(stores, worker) == [(made.document_id, 1)]
    assert await _documents(stores, worker) == [(made.document_id, 1)], "it is not at work on it"
    assert await _documents(stores, other) == []
    await stores.fleeting.beat(worker, SERVER)
    assert await _documents(stores, other) == [(made.document_id, 2)]


async def test_a_document_spends_an_attempt_where_its_work_broke(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    made, whole = (document(home, filename=f"{n}.md") for n in range(2))
    for one in (made, whole):
        await stores.documents.add(one)
    await stores.workers.beat(worker, SERVER)
    await _documents(stores, worker)
    again = await stores.workers.claim_documents(worker, 2, at_work=(), broken=(made.document_id,))
    assert {job.document_id: attempts for job, attempts in again} == {
        made.document_id: 2,
        whole.document_id: 1,
    }


async def test_spaces_take_turns_with_their_documents(
    stores: Stores, home: Home, away: Home, worker: WorkerId
) -> None:
    noisy = [document(home, filename=f"{n}.md") for n in range(5)]
    quiet = document(away)
    for one in (*noisy, quiet):
        await stores.documents.add(one)
    await stores.workers.beat(worker, SERVER)
    first = await _documents(stores, worker, 2)
    assert [one for one, _ in first] == [noisy[0].document_id, quiet.document_id]


async def test_a_space_with_ten_documents_at_work_waits_for_one_with_none(
    stores: Stores, home: Home, away: Home, worker: WorkerId, other: WorkerId
) -> None:
    noisy = [document(home, filename=f"{n}.md") for n in range(20)]
    for one in noisy:
        await stores.documents.add(one)
    await stores.workers.beat(worker, SERVER)
    assert len(await _documents(stores, worker, 10)) == 10
    quiet = [document(away, filename=f"{n}.md") for n in range(3)]
    for one in quiet:
        await stores.documents.add(one)
    await stores.workers.beat(other, SERVER)
    taken = [one for one, _ in await _documents(stores, other, 4)]
    assert taken[-3:] == [one.document_id for one in quiet]


async def test_a_document_that_waits_for_its_time_keeps_no_other_waiting(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    waiting, due, ready = (document(home, filename=f"{n}.md") for n in range(3))
    for one, time in ((waiting, FAR), (due, NOON - FOREVER), (ready, None)):
        await stores.documents.add(one)
        if time is not None:
            await stores.documents.move(
                home.space, one.document_id, IngestState.PENDING, retry_time=time
            )
    await stores.workers.beat(worker, SERVER)
    assert [one for one, _ in await _documents(stores, worker)] == [
        due.document_id,
        ready.document_id,
    ]


async def test_a_document_put_off_has_spent_no_attempt(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    made = document(home)
    await stores.documents.add(made)
    await stores.workers.beat(worker, SERVER)
    for fence in (1, 2, 3):
        assert await _documents(stores, worker) == [(made.document_id, 1)]
        await stores.documents.move(
            home.space,
            made.document_id,
            IngestState.PENDING,
            retry_time=NOON - FOREVER,
            fence=fence,
        )


async def test_a_run_that_is_taken_back_is_lost_to_its_process_at_once(
    stores: Stores, home: Home, worker: WorkerId
) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    first = await _queued(stores, home, thread.conversation_id)
    await _claimed(stores, worker)
    await stores.runs.create(
        run(home, conversation_id=thread.conversation_id),
        None,
        admission=Admission(double_text=DoubleText.ROLLBACK),
    )
    assert await stores.workers.beat(worker, SERVER) == ()
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, first.run_id, 1, [TokenBatch(text="no more")])


async def test_a_space_that_has_all_places_but_one_leaves_that_to_others(
    stores: Stores, home: Home, away: Home, worker: WorkerId
) -> None:
    ours = [document(home, filename=f"{n}.md") for n in range(4)]
    for one in ours:
        await stores.documents.add(one)
    await stores.workers.beat(worker, SERVER)

    async def taken(room: int, *here: DocumentId) -> set[DocumentId]:
        claimed = await stores.workers.claim_documents(worker, room, at_work=here, kept=1)
        return {job.document_id for job, _ in claimed}

    at_work = await taken(3)
    assert len(at_work) == 2
    assert at_work < {one.document_id for one in ours}
    assert await taken(1, *at_work) == set()
    theirs = document(away)
    await stores.documents.add(theirs)
    assert await taken(1, *at_work) == {theirs.document_id}
