"""The contract of `Recovery`, on every adapter."""

from application.jobs import ExecuteRunJob, IngestDocumentJob
from domain.documents.document import IngestState
from domain.runs.event import RunCompleted
from domain.runs.run import TerminationReason
from fixtures.making import MODEL, Home, document, passages, run, structure
from fixtures.stores import Stores


async def test_nothing_is_unfinished_in_the_beginning(stores: Stores, home: Home) -> None:
    assert await stores.recovery.unfinished_runs() == ()
    assert await stores.recovery.unfinished_documents() == ()


async def test_runs_that_have_not_ended_are_found_in_all_spaces_oldest_first(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [run(home), run(away), run(home), run(home)]
    for one in made:
        await stores.runs.create(one, None)
    await stores.runs.claim(home.space, made[2].run_id)
    await stores.runs.claim(home.space, made[3].run_id)
    done = RunCompleted(reason=TerminationReason.ERROR)
    await stores.log.append(home.space, made[3].run_id, 1, [done])
    assert await stores.recovery.unfinished_runs() == tuple(
        ExecuteRunJob(space_id=one.space_id, run_id=one.run_id) for one in made[:3]
    )


async def test_documents_on_their_way_are_found_in_all_spaces_oldest_first(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [document(where, filename=f"{n}.md") for n, where in enumerate((home, away, home, home))]
    for one in made:
        await stores.documents.add(one)
    await stores.documents.move(away.space, made[1].document_id, IngestState.EMBEDDING)
    await stores.documents.move(home.space, made[2].document_id, IngestState.FAILED, "broken")
    await stores.documents.publish(made[3], structure(), passages("ready"), MODEL)
    assert await stores.recovery.unfinished_documents() == tuple(
        IngestDocumentJob(space_id=one.space_id, document_id=one.document_id) for one in made[:2]
    )
