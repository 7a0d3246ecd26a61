"""What the embedded server refuses, in words that say what to do next."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message names the cause and the remedy."""
