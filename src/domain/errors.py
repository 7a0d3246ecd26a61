"""Everything that can go wrong, as a tree of ten kinds.

ObeliskError
|- InvalidInput        the request itself is wrong; names the field and what would be right
|- Unauthenticated     no identity, or one that cannot be trusted
|- PermissionDenied    a known identity that may not do this
|- NotFound            no such thing here; another space's thing answers the same, word for word
|- AlreadyExists       the thing, or a different request under the same id, is already there
|- Conflict            somebody else changed or holds it; trying again may work
|- FailedPrecondition  the thing is in a state that does not allow this
|- OutOfRange          a cursor or an offset past the end
|- QuotaExceeded       a limit of the space or of the process is used up
`- Unavailable         a dependency does not answer; trying again may work

Leaves sit beside their aggregate. `reason` is stable and machine-readable; the message is for
people. Transports map kinds, never leaves.
"""

from collections.abc import Mapping


class ObeliskError(Exception):
    """Root of the tree. `message` is safe to show to the caller; secrets never go into it."""

    reason: str = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.metadata = dict(metadata or {})


class InvalidInput(ObeliskError):
    reason = "INVALID_INPUT"


class Unauthenticated(ObeliskError):
    reason = "UNAUTHENTICATED"


class PermissionDenied(ObeliskError):
    reason = "PERMISSION_DENIED"


class NotFound(ObeliskError):
    reason = "NOT_FOUND"


class AlreadyExists(ObeliskError):
    reason = "ALREADY_EXISTS"


class Conflict(ObeliskError):
    reason = "CONFLICT"


class FailedPrecondition(ObeliskError):
    reason = "FAILED_PRECONDITION"


class OutOfRange(ObeliskError):
    reason = "OUT_OF_RANGE"


class QuotaExceeded(ObeliskError):
    reason = "QUOTA_EXCEEDED"


class Unavailable(ObeliskError):
    reason = "UNAVAILABLE"
