"""Documents whose pictures wait to be looked at, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.memory.state import KeptLook, MemoryState
from application.ports.clock import Clock
from domain.documents.document import Document, DocumentNotFound, IngestLost, IngestState
from domain.documents.looking import LOOK_SECONDS, MOST_LOOKS, KeptText, Look
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.pictures import PictureVectors, VisualModel

_AFTERWARDS = timedelta(hours=1)


class MemoryPictureLooks:
    def __init__(
        self,
        state: MemoryState,
        clock: Clock,
        *,
        lease: timedelta = timedelta(seconds=LOOK_SECONDS),
    ) -> None:
        self._state = state
        self._clock = clock
        self._lease = lease
        self._last: SpaceId | None = None

    async def take(self, model: VisualModel) -> Look | None:
        now = self._clock.now()
        if any(self._waits(document) for document in self._state.documents.values()):
            return None
        due = [key for key in self._state.documents if self._is_due(key, model)]
        # Another space than the last time, where there is one.
        due.sort(key=lambda key: (key[0] == self._last, self._look(key, model.name).time or now))
        if not due:
            return None
        look = self._look(due[0], model.name)
        taken = replace(look, looks=look.looks + 1, time=now + self._lease)
        self._state.looks[due[0]] = taken
        self._last = due[0][0]
        document = self._state.documents[due[0]]
        return Look(document=document, model=model.name, looks=taken.looks, delays=taken.delays)

    async def kept_text(self, document: Document) -> KeptText:
        key = document.space_id, document.document_id
        kept = self._state.passages.get(key, ())
        passages = [(k.passage.chunk_id, k.passage.span) for k in kept if k.passage.span[1]]
        return KeptText(digest=self._state.texts.get(key, ("", 0))[0], passages=passages)

    async def keep(
        self, document: Document, pictures: PictureVectors, warnings: Sequence[str]
    ) -> None:
        key = document.space_id, document.document_id
        kept = self._state.documents.get(key)
        if kept is None:
            raise DocumentNotFound
        if kept.fence != document.fence:
            raise IngestLost
        there = {one.passage.chunk_id for one in self._state.passages.get(key, ())}
        vectors = {of: vector for of, vector in pictures.vectors.items() if of in there}
        self._state.pictures[key] = PictureVectors(model=pictures.model, vectors=vectors)
        self._state.documents[key] = replace(kept, warnings=tuple(warnings))
        time = self._clock.now() + _AFTERWARDS
        self._state.looks[key] = KeptLook(model=pictures.model.name, time=time)

    async def put_off(self, look: Look, delay: timedelta) -> None:
        key = look.document.space_id, look.document.document_id
        kept = self._look(key, look.model)
        self._state.looks[key] = replace(
            kept,
            looks=max(kept.looks - 1, 0),
            delays=kept.delays + 1,
            time=self._clock.now() + delay,
        )

    async def give_up(self, look: Look, warnings: Sequence[str]) -> None:
        key = look.document.space_id, look.document.document_id
        self._state.looks[key] = replace(self._look(key, look.model), looks=MOST_LOOKS + 1)
        if kept := self._state.documents.get(key):
            self._state.documents[key] = replace(kept, warnings=tuple(warnings))

    def _waits(self, document: Document) -> bool:
        time = self._state.postponed.get((document.space_id, document.document_id))
        is_due = time is None or time <= self._clock.now()
        return document.state is IngestState.PENDING and is_due

    def _is_due(self, key: tuple[SpaceId, DocumentId], model: VisualModel) -> bool:
        seen, look = self._state.pictures.get(key), self._look(key, model.name)
        is_seen = seen is not None and seen.model.name == model.name
        holds_none = self._state.texts.get(key, ("", 1))[1] == 0
        is_ready = self._state.documents[key].state is IngestState.READY
        is_time = look.time is None or look.time <= self._clock.now()
        return is_ready and not is_seen and not holds_none and is_time and look.looks <= MOST_LOOKS

    def _look(self, key: tuple[SpaceId, DocumentId], model: str) -> KeptLook:
        look = self._state.looks.get(key, KeptLook(model=model))
        return look if look.model == model else KeptLook(model=model, time=look.time)
