"""A PostgreSQL server that belongs to one process: started, guarded and stopped by it."""

from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.residence import RunAs
from adapters.postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "RunAs"]
