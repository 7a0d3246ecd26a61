"""What searches say to Postgres and get from it, whatever they search by."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import asyncpg
import numpy as np
from pgvector import HalfVector

from domain.documents.document import Collection
from domain.retrieval.passage import Passage
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector

T = TypeVar("T")
U = TypeVar("U")


def half(vector: Vector | None) -> HalfVector | None:
    """The vector in half precision, rounded to even; None stays None."""
    # By way of an array: a list of 3,072 numbers takes as long to pack as a small search.
    return HalfVector(np.asarray(vector, dtype=np.float32)) if vector is not None else None


def narrowed(within: SearchFilter) -> tuple[object, ...]:
    """A filter as the five arguments that each search function takes in this order.

    Collections, media types, documents, from and before; None for what lets everything pass.
    """
    return (
        [collection.value for collection in within.collections],
        _listed(within.media_types, lambda media_type: media_type.value),
        _listed(within.documents, lambda document: document),
        within.created_from,
        within.created_before,
    )


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


def _listed(values: Iterable[T] | None, as_value: Callable[[T], U]) -> list[U] | None:
    return None if values is None else [as_value(value) for value in values]
