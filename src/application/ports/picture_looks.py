from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from domain.documents.document import Document
from domain.documents.looking import KeptText, Look
from domain.retrieval.pictures import PictureVectors, VisualModel


class PictureLooks(Protocol):
    """READY documents with pictures that the model of today has not looked at, of all spaces.

    They are found by their text all the while.
    """

    async def take(self, model: VisualModel) -> Look | None:
        """Take one up; nobody else gets it for LOOK_SECONDS, unless it is put off.

        Those that were looked at in vain MOST_LOOKS times are taken once more, and then never
        again by this model. No space comes before the others. None when there is none, and while a
        document waits to be read.
        """
        ...

    async def kept_text(self, document: Document) -> KeptText:
        """The passages that were cut from the document's text; not those of hidden text."""
        ...

    async def keep(
        self, document: Document, pictures: PictureVectors, warnings: Sequence[str]
    ) -> None:
        """The model has looked: what it has seen takes the place of what any model had, in one
        transaction. Vectors of passages that are gone are let go. Nobody looks at the document
        within the next hour, whichever model is asked for.

        Raises:
            DocumentNotFound: it was deleted, or replaced.
            IngestLost: it has another fence by now; nothing has changed.
        """
        ...

    async def put_off(self, look: Look, delay: timedelta) -> None:
        """The model was away: nobody takes the document for so long. Such a look does not count."""
        ...

    async def give_up(self, look: Look, warnings: Sequence[str]) -> None:
        """The model is never asked to look at the document again; what its `warnings` are now.

        Nothing happens to one that is gone.
        """
        ...
