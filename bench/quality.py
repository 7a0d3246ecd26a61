"""How well the search ranks a collection with judgements: words, meaning, both, beside bm25s.

One passage a text, on embedded Postgres, through the search of the product, and through its
re-ranker, which is off by default. Texts that are longer than the embedding model's limit have the
vector of their beginning.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import asyncpg
import numpy as np
import typer
from bench.bm25_library import bm25_library
from bench.labelled import Collection as Labelled
from bench.labelled import load, ndcg, recall
from bench.spaces import CHUNKS_A_DOCUMENT, new_space, publish
from rich.console import Console
from rich.table import Table

from adapters.local.clock import SystemClock
from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.lexical_reranker import LexicalReranker
from adapters.local.weights import packaged_embedding_model
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE, Pool
from application.retrieval.rerank import reranked
from application.retrieval.stage_timer import StageTimer
from domain.errors import FailedPrecondition
from domain.identifiers import ChunkId
from domain.retrieval.passage import FusedPassage
from domain.retrieval.policy import RerankPolicy, Stream
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import Vector
from entrypoints.cli.terminal import log_to_terminal, run_async

DEPTH = 100
# As many as a retrieval has looked at again.
RERANKED = 16
# How far below the library the lexical half may be, in nDCG@10.
NEAR = 0.01
# Of the ten exactly nearest, how many the index must find.
FOUND = 0.99
OURS = ("lexical", "vector", "hybrid", "hybrid + re-ranker")
console = Console(highlight=False, width=120)


class NotGoodEnough(FailedPrecondition):
    reason = "NOT_GOOD_ENOUGH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Means over the questions, from 0 to 1."""

    search: str
    ndcg_10: float
    recall_10: float
    recall_100: float


def main(
    data: Annotated[
        Path, typer.Argument(help="A folder of corpus.jsonl, queries.jsonl, qrels.tsv")
    ],
    vectors: Annotated[
        Path | None, typer.Option(help="Keep vectors in this folder, and take them there")
    ] = None,
) -> None:
    """Measure; fails when words rank worse than bm25s, or both together no better than either."""
    log_to_terminal("ERROR")
    run_async(_measure(load(data), vectors))


async def _measure(labelled: Labelled, kept: Path | None) -> None:
    begun = time.perf_counter()
    texts = await _vectors(list(labelled.texts.values()), kept and kept / f"{labelled.name}-c.npy")
    asked = await _vectors(
        list(labelled.questions.values()), kept and kept / f"{labelled.name}-q.npy"
    )
    searches = {"bm25s": _of_library(labelled)}
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        await asyncio.to_thread(server.start)
        try:
            searches |= await _ours(labelled, texts, asked, server)
        finally:
            await asyncio.to_thread(server.stop)
    rows = [_row(name, labelled, found) for name, found in searches.items()]
    exact = _exactness(labelled, texts, asked, searches["vector"])
    faults = _faults({row.search: row.ndcg_10 for row in rows}, exact)
    _show(rows, f"{labelled.name}: {len(texts)} texts, {len(asked)} questions", exact)
    summary = {
        "benchmark": "quality",
        "collection": labelled.name,
        "texts": len(texts),
        "questions": len(asked),
        "rows": [asdict(row) for row in rows],
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "recall_10_of_exact_search": exact,
        "faults": faults,
        "holds": not faults,
    }
    print(json.dumps(summary), flush=True)
    if faults:
        raise NotGoodEnough("; ".join(faults))


def _of_library(labelled: Labelled) -> dict[str, list[str]]:
    search = bm25_library(labelled.texts)
    return {key: search(text, DEPTH) for key, text in labelled.questions.items()}


async def _ours(
    labelled: Labelled, texts: Sequence[Vector], asked: Sequence[Vector], server: EmbeddedPostgres
) -> dict[str, dict[str, list[str]]]:
    await migrate(server.dsn, let_application_in=True)
    owner = await asyncpg.connect(server.dsn)
    pool = await Pool.open(server.dsn_for(APPLICATION_ROLE, "postgres"))
    try:
        model = MiniLmEmbedder(packaged_embedding_model()).model
        space = await new_space(owner)
        ids: dict[ChunkId, str] = {}
        held = list(zip(labelled.texts.items(), texts, strict=True))
        for start in range(0, len(held), CHUNKS_A_DOCUMENT):
            part = held[start : start + CHUNKS_A_DOCUMENT]
            chunks = await publish(
                pool, space, [text for (_, text), _ in part], [vector for _, vector in part], model
            )
            ids |= {chunk: key for chunk, ((key, _), _) in zip(chunks, part, strict=True)}
        await owner.execute("vacuum analyze")
        index = PostgresKnowledgeIndex(pool)

        async def search(text: str, vector: Vector | None) -> list[FusedPassage]:
            found = await index.search(
                space, text=text, vector=vector, model=model, within=SearchFilter(), limit=DEPTH
            )
            return [_fused(ranked) for ranked in found]

        rows: dict[str, dict[str, list[str]]] = {name: {} for name in OURS}
        for (key, text), vector in zip(labelled.questions.items(), asked, strict=True):
            hybrid = await search(text, vector)
            ways = (await search(text, None), await search("", vector), hybrid)
            for name, found in zip(OURS, (*ways, await _reranked(hybrid, text)), strict=True):
                rows[name][key] = [ids[one.passage.chunk_id] for one in found]
    finally:
        await pool.close()
        await owner.close()
    return rows


def _fused(ranked: RankedPassage) -> FusedPassage:
    return FusedPassage(
        passage=ranked.passage, streams=(Stream.SEMANTIC.value,), score=ranked.score
    )


async def _reranked(found: Sequence[FusedPassage], question: str) -> list[FusedPassage]:
    """As a retrieval does it when the re-ranker is on."""
    timer = StageTimer(SystemClock(), lambda _: None)
    first = await reranked(
        found[:RERANKED], question, reranker=LexicalReranker(), policy=RerankPolicy(), timer=timer
    )
    return [*first, *found[RERANKED:]]


def _exactness(
    labelled: Labelled,
    texts: Sequence[Vector],
    asked: Sequence[Vector],
    found: dict[str, list[str]],
) -> float:
    """The mean part of the ten exactly nearest texts that were found among the first ten."""
    ids = list(labelled.texts)
    likeness = np.array(asked) @ np.array(texts).T
    nearest = np.argsort(-likeness, axis=1)[:, :10]
    parts = [
        len({ids[place] for place in places} & set(found[key][:10])) / len(places)
        for key, places in zip(labelled.questions, nearest, strict=True)
    ]
    return round(sum(parts) / len(parts), 4)


async def _vectors(texts: Sequence[str], kept: Path | None) -> list[Vector]:
    if kept is not None and kept.is_file():
        return [array("f", row) for row in np.load(kept)]
    embedder = MiniLmEmbedder(packaged_embedding_model(), document_threads=2)
    await embedder.start()
    try:
        found = await embedder.embed_documents([_beginning(text, embedder) for text in texts])
    finally:
        await embedder.close()
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, np.array(found, dtype=np.float32))
    return list(found)


def _beginning(text: str, embedder: MiniLmEmbedder) -> str:
    """As many words as the model takes whole."""
    words = text.split()
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        fits = embedder.count_tokens(" ".join(words[:middle])) <= embedder.model.max_tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return " ".join(words[:low])


def _row(search: str, labelled: Labelled, found: dict[str, list[str]]) -> Row:
    def mean(measure: Callable[[Sequence[str], dict[str, int], int], float], k: int) -> float:
        graded = labelled.relevant
        return round(sum(measure(found[q], dict(graded[q]), k) for q in found) / len(found), 4)

    return Row(
        search=search,
        ndcg_10=mean(ndcg, 10),
        recall_10=mean(recall, 10),
        recall_100=mean(recall, 100),
    )


def _faults(scores: dict[str, float], exact: float) -> list[str]:
    faults = []
    if exact < FOUND:
        faults.append(f"{exact:.2%} of the ten exactly nearest are found, under {FOUND:.0%}")
    if scores["lexical"] < scores["bm25s"] - NEAR:
        faults.append(
            f"lexical {scores['lexical']} is over {NEAR} below {scores['bm25s']} of bm25s"
        )
    parts = max(scores["lexical"], scores["vector"])
    if scores["hybrid"] <= parts:
        faults.append(f"hybrid {scores['hybrid']} does not beat {parts} of its better part")
    return faults


def _show(rows: Sequence[Row], about: str, exact: float) -> None:
    table = Table("search", "nDCG@10", "recall@10", "recall@100", title=about)
    for row in rows:
        figures = (row.ndcg_10, row.recall_10, row.recall_100)
        table.add_row(row.search, *(f"{figure:.4f}" for figure in figures))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    console.print(f"{exact:.2%} of the ten exactly nearest are found.", style="dim")


if __name__ == "__main__":
    typer.run(main)
