"""What calling a tool does to the world outside."""

from enum import Enum


class Effect(Enum):
    """What may become of a call whose outcome was lost with its process.

    NONE: the tool only reads, and is called again. KEYED: it acts, and once only for each
    `idempotency_key`; it is called again with the same one. ONCE: it acts and cannot tell; it is
    not called again, and the run is told that nobody knows whether it was done.
    """

    NONE = "none"
    KEYED = "keyed"
    ONCE = "once"
