"""What comes in drops, taken on at once after a pause, and else in batches."""

import asyncio
from collections.abc import Callable

from domain.runs.batching import batch_seconds


class Gathering:
    """Hands what was added to `take`, joined: the first at once, all later within a window.

    `take` has returned before `flush` does. What it raises is raised by the next call here.
    """

    def __init__(
        self, take: Callable[[str], None], window: Callable[[], float] = batch_seconds
    ) -> None:
        """`window` says how many seconds drops may wait for others, each time anew."""
        self._take = take
        self._window = window
        self._loop = asyncio.get_running_loop()
        self._waiting: list[str] = []
        self._taken_at = self._loop.time() - window()
        self._timer: asyncio.TimerHandle | None = None
        self._broken: Exception | None = None

    def add(self, text: str) -> None:
        """Take the next drop."""
        self._tell()
        self._waiting.append(text)
        if self._timer is None:
            due = self._taken_at + self._window()
            if due <= self._loop.time():
                self.flush()
            else:
                self._timer = self._loop.call_at(due, self._hand_on)

    def flush(self) -> None:
        """Hand on all that waits."""
        self._hand_on()
        self._tell()

    def close(self) -> None:
        """Hand on what still waits, whatever ended it. Never raises."""
        self._hand_on()

    def _tell(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _hand_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._waiting)
        self._waiting.clear()
        self._taken_at = self._loop.time()
        if not text or self._broken is not None:
            return
        try:
            self._take(text)
        except Exception as error:  # noqa: BLE001 - a timer has nobody to tell it to
            self._broken = error
