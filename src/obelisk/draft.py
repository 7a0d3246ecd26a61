"""An answer while it comes, for whoever shows it."""

from obelisk.v1 import run_pb2


class Draft:
    """Feed it a run's events in order; `text` is the answer as far as it has come.

    A server that was lost in the middle of a draft leaves it to another, which writes it anew: then
    `text` is empty again, and `discarded` counts how often that was so.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.discarded = 0

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, event: run_pb2.RunEvent) -> None:
        """Take the next event, whatever it is of."""
        if event.HasField("token_batch"):
            self._pieces.append(event.token_batch.text)
        elif event.HasField("draft_discarded"):
            self._pieces.clear()
            self.discarded += 1
