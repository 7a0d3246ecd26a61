"""What a process is at work on: bounded, owned here, stopped one by one or as a whole."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.identifiers import SpaceId

Work = Callable[[], Coroutine[None, None, None]]


@dataclass(slots=True, kw_only=True, eq=False)
class _Place:
    space: SpaceId
    mark: int
    begun: bool = False
    stopped: bool = False
    task: "asyncio.Task[None] | None" = None


class AtWork:
    """Places for work, by its id. A `mark` tells one piece of work on the same id from another.

    `left` is called whenever a place has become free.
    """

    def __init__(self, places: int, left: Callable[[], None]) -> None:
        self._places = places
        self._left = left
        self._promised = 0
        self._at_work: dict[UUID, _Place] = {}
        # Earlier work on a key that goes on to clean up is here and not above.
        self._unended: set[_Place] = set()

    @property
    def free(self) -> int:
        """How much more could begin now."""
        return max(0, self._places - self._promised - len(self._at_work))

    @property
    def marks(self) -> Mapping[UUID, int]:
        """What is at work now."""
        return {key: place.mark for key, place in self._at_work.items()}

    def promise(self, places: int) -> None:
        """Keep places free for what is about to come; negative to give them back."""
        self._promised += places

    def begin(self, space: SpaceId, key: UUID, mark: int, work: Work) -> None:
        """Start the work, unless the same work is here. Earlier work on the key is cancelled."""
        earlier = self._at_work.get(key)
        if earlier is not None and earlier.task is not None:
            if earlier.mark == mark:
                return
            earlier.task.cancel()
        place = _Place(space=space, mark=mark)
        self._at_work[key] = place
        self._unended.add(place)
        # Owned here: `stop` cancels it and waits for it.
        place.task = asyncio.get_running_loop().create_task(self._do(place, work))
        place.task.add_done_callback(lambda _: self._leave(key, place))

    def cancel(self, key: UUID) -> bool:
        """Cancel the work, once; false when there is none. It is always given its beginning."""
        place = self._at_work.get(key)
        if place is None or place.task is None:
            return False
        if place.begun and not place.stopped:
            place.task.cancel()
        place.stopped = True
        return True

    async def stop(self, space: SpaceId | None = None) -> int:
        """Cancel all of it, or all of a space, and wait for its end; how much it was."""
        tasks = [
            place.task
            for place in self._unended
            if place.task is not None and space in (None, place.space)
        ]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return len(tasks)

    async def _do(self, place: _Place, work: Work) -> None:
        place.begun = True
        task = asyncio.current_task()
        if place.stopped and task is not None:
            task.cancel()
        await work()

    def _leave(self, key: UUID, place: _Place) -> None:
        self._unended.discard(place)
        if self._at_work.get(key) is place:
            del self._at_work[key]
        self._left()


async def ended(tasks: list["asyncio.Task[None]"]) -> None:
    """Cancel tasks, and wait for their end."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
