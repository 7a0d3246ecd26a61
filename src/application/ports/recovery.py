from typing import Protocol

from application.jobs import ExecuteRunJob, IngestDocumentJob


class Recovery(Protocol):
    """What a process that died has left unfinished; asked once, before anything is served."""

    async def unfinished_runs(self) -> tuple[ExecuteRunJob, ...]:
        """Runs of all spaces that have not ended, oldest first."""
        ...

    async def unfinished_documents(self) -> tuple[IngestDocumentJob, ...]:
        """Documents of all spaces that are neither READY nor FAILED, oldest first."""
        ...
