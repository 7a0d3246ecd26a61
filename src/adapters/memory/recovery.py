"""What is unfinished among what lies in memory."""

from adapters.memory.state import MemoryState
from application.jobs import ExecuteRunJob, IngestDocumentJob
from domain.runs.run import RunState


class MemoryRecovery:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def unfinished_runs(self) -> tuple[ExecuteRunJob, ...]:
        runs = [run for run in self._state.runs.values() if run.state is not RunState.ENDED]
        return tuple(
            ExecuteRunJob(space_id=run.space_id, run_id=run.run_id)
            for run in sorted(runs, key=lambda run: run.run_id)
        )

    async def unfinished_documents(self) -> tuple[IngestDocumentJob, ...]:
        documents = [d for d in self._state.documents.values() if not d.state.is_final]
        return tuple(
            IngestDocumentJob(space_id=document.space_id, document_id=document.document_id)
            for document in sorted(documents, key=lambda document: document.document_id)
        )
