"""The upkeep of large spaces' vector graphs, which only the tables' owner can do."""

from contextlib import AbstractAsyncContextManager

from adapters.postgres.vector_graphs import PostgresVectorGraphs
from application.daily import daily
from application.retrieval.keep_graphs import KeepGraphs
from domain.retrieval.graphs import GraphPolicy

_HOUR_SECONDS = 3600.0


def keeping_graphs(owner_dsn: str) -> AbstractAsyncContextManager[None]:
    """Every hour, and not before anybody is served: a build can take minutes."""
    keep = KeepGraphs(graphs=PostgresVectorGraphs(owner_dsn), policy=GraphPolicy())
    return daily(keep, day=_HOUR_SECONDS, at_once=False)
