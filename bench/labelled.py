"""Collections with relevance judgements, and the measures that go by them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path

from domain.errors import InvalidInput

_FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Texts and questions by their ids; `relevant` grades texts for a question, above 0 alone."""

    name: str
    texts: Mapping[str, str]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, int]]


def load(folder: Path) -> Collection:
    """Read a folder of the BEIR form; questions without a relevant text are left out.

    Raises:
        InvalidInput: a file is missing, or is not of that form.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise InvalidInput(f"{folder} lacks {', '.join(missing)}; the three BEIR files are needed")
    try:
        texts = {row["_id"]: _whole(row) for row in _rows(folder / "corpus.jsonl")}
        questions = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
        relevant = _judgements(folder / "qrels.tsv")
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{folder} is not of the BEIR form: {error}") from error
    judged = {key: relevant[key] for key in questions if relevant.get(key)}
    if not judged:
        raise InvalidInput(f"{folder}: qrels.tsv judges none of the questions")
    return Collection(
        name=folder.name,
        texts=texts,
        questions={key: questions[key] for key in judged},
        relevant=judged,
    )


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Discounted gain of the first `k`, over that of the best order; gains are the grades.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.
    """
    ideal = _gain(sorted(relevant.values(), reverse=True)[:k])
    return _gain([relevant.get(key, 0) for key in ranked[:k]]) / ideal


def recall(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """The part of the relevant texts that is among the first `k`."""
    return len(set(ranked[:k]) & set(relevant)) / len(relevant)


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / log2(place + 1) for place, grade in enumerate(grades, start=1))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _whole(row: Mapping[str, str]) -> str:
    return f"{row.get('title') or ''} {row['text']}".strip()


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        question, text, grade = line.split("\t")
        if question == "query-id":
            continue
        if int(grade) > 0:
            found.setdefault(question, {})[text] = int(grade)
    return found
