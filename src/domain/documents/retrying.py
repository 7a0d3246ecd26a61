"""When an ingestion is tried again that failed for no fault of the document's."""

from datetime import timedelta

_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=10)
MOST_RETRIES = 6


def retry_delay(retries: int) -> timedelta | None:
    """How long to wait after `retries` of them; None once it is given up.

    5, 15, 45, 135, 405 and 600 seconds: about 20 minutes together.
    """
    if retries >= MOST_RETRIES:
        return None
    return min(_FIRST * int(3**retries), _LONGEST)
