"""What a process has built by the time it serves stays until it ends."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# The usual 700 is reached several times in each run, whose objects nearly all go by themselves.
_NEW_OBJECTS = 20_000


@contextmanager
def settled_heap() -> Iterator[None]:
    """The collector passes over what is here now, and looks for cycles more seldom.

    Looking through half a million objects would hold everybody up for 0.2 seconds, again and again.
    """
    first, *others = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
        gc.unfreeze()
