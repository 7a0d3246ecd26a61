"""What the embedded server refuses, in words that say what to do next."""

from domain.errors import FailedPrecondition


class EmbeddedPostgresError(FailedPrecondition):
    """The embedded PostgreSQL cannot be used; the message names the cause and the remedy."""

    reason = "EMBEDDED_POSTGRES_UNUSABLE"
