"""RollOutEmbeddings: a new model is filled in while the old one serves; then it serves, and only
then does the old one go."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby

from application.embeddings.rolling import RollingEmbedder
from application.embeddings.whole import embed_whole, headed
from application.ports.embedder import Embedder
from application.ports.embedding_rollouts import EmbeddingRollouts, PassageText
from domain.identifiers import WorkerId

_BATCH = 64
_LEASE_SECONDS = 120.0
_LOOK_SECONDS = 5.0
# Long enough for every process to have seen which model serves.
_GRACE_SECONDS = 600.0
# So many looks long, a process may not have seen yet that another model serves.
_CLOSING = 12
_log = logging.getLogger(__name__)


class RollOutEmbeddings:
    """`wanted` is the model that is to serve; `serving` the embedder that all the others use."""

    def __init__(
        self,
        *,
        rollouts: EmbeddingRollouts,
        serving: RollingEmbedder,
        wanted: Embedder,
        worker: WorkerId,
        grace_seconds: float = _GRACE_SECONDS,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._rollouts = rollouts
        self._serving = serving
        self._wanted = wanted
        self._worker = worker
        self._grace_seconds = grace_seconds
        self._look_seconds = look_seconds
        self._unknown = ""

    async def look(self) -> str:
        """Turn to the model that serves, and answer its name; the first one is the embedder's."""
        name = await self._rollouts.serving()
        if name is None:
            await self._rollouts.serve(self._serving.model)
            name = await self._rollouts.serving() or self._serving.model.name
        if not self._serving.turn_to(name) and self._unknown != name:
            self._unknown = name
            _log.warning(
                "the embedding model %s serves, which this process does not know; until %s is "
                "filled in, its searches are by words alone",
                name,
                self._wanted.model.name,
            )
        return name

    async def __call__(self) -> bool:
        """Do what there is to do now; whether the wanted model has begun to serve by it."""
        serves = await self.look() == self._wanted.model.name
        if serves or not await self._begin():
            await self._drop()
            return False
        # What was added while this went on is found by the pass that finds nothing else.
        while await self._fill():
            pass
        await self._rollouts.serve(self._wanted.model)
        _log.info("the embedding model %s serves", self._wanted.model.name)
        # Whoever had not seen that yet has added vectors of the old one alone.
        await self.look()
        return True

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Go on with it until left."""
        await self.look()
        # Owned here: cancelled and awaited on the way out.
        task = asyncio.get_running_loop().create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _go_on(self) -> None:
        # Whoever has gone meanwhile may have added vectors of another model alone.
        closing = 1
        while True:
            try:
                closing = _CLOSING if await self() else closing
                if closing and await self._begin():
                    await self._fill()
                    closing -= 1
            except Exception as error:  # noqa: BLE001 - what serves goes on serving
                _log.warning("the change of the embedding model waits: %s", error)
            await asyncio.sleep(self._look_seconds)

    async def _begin(self) -> bool:
        return await self._rollouts.begin(self._wanted.model, self._worker, _LEASE_SECONDS)

    async def _fill(self) -> int:
        """One pass over all passages; how many had no vector."""
        filled, last = 0, None
        while missing := await self._rollouts.missing(self._wanted.model, last, _BATCH):
            if not await self._begin():
                return filled
            await self._embed(missing)
            filled, last = filled + len(missing), missing[-1]
        return filled

    async def _embed(self, passages: Sequence[PassageText]) -> None:
        vectors = await embed_whole(self._wanted, [self._text(one) for one in passages])
        pairs = list(zip(passages, vectors, strict=True))
        for space, of_space in groupby(pairs, key=lambda pair: pair[0].space_id):
            made = {passage.chunk_id: vector for passage, vector in of_space}
            await self._rollouts.add(space, self._wanted.model, made)

    def _text(self, passage: PassageText) -> str:
        """As much of the headings as fits beside the text, the nearest ones first."""
        path = passage.section_path
        for first in range(len(path) + 1):
            text = headed(path[first:], passage.text)
            if self._wanted.count_tokens(text) <= self._wanted.model.max_tokens:
                return text
        return passage.text

    async def _drop(self) -> None:
        for name in await self._rollouts.drop_left(self._grace_seconds):
            _log.info("the vectors of the embedding model %s are gone", name)
