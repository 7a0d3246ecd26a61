"""What searches say to Postgres and get from it, whatever they search by."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import asyncpg

from domain.documents.document import Collection
from domain.retrieval.passage import Passage

T = TypeVar("T")
U = TypeVar("U")


def listed(values: Iterable[T] | None, as_value: Callable[[T], U]) -> list[U] | None:
    """The values of a filter; None for one that lets everything pass."""
    return None if values is None else [as_value(value) for value in values]


def passage_of(row: asyncpg.Record) -> Passage:
    """The passage in a row of type `obelisk.passage`."""
    return Passage(
        chunk_id=row["chunk_id"],
        document_id=row["document_id"],
        title=row["title"],
        filename=row["filename"],
        collection=Collection(row["collection"]),
        section_path=tuple(row["section_path"]),
        page=row["page"],
        text=row["content"],
        version=row["version"],
        span=(row["span_start"], row["span_end"]),
    )
