"""The reference for the lexical half: the library bm25s, with English stop words and stems."""

from collections.abc import Callable, Mapping

import bm25s
import Stemmer

Search = Callable[[str, int], list[str]]


def bm25_library(texts: Mapping[str, str]) -> Search:
    """A search for the ids of the best texts: Lucene's variant, k1 = 1.5, b = 0.75."""
    ids = list(texts)
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    index.index(_taken_apart(list(texts.values()), stemmer), show_progress=False)

    def search(question: str, limit: int) -> list[str]:
        (words,) = _taken_apart([question], stemmer)
        scores = index.get_scores(words) if words else []
        best = sorted(range(len(scores)), key=lambda place: -scores[place])[:limit]
        return [ids[place] for place in best if scores[place] > 0]

    return search


def _taken_apart(texts: list[str], stemmer: Stemmer.Stemmer) -> list[list[str]]:
    words: list[list[str]] = bm25s.tokenize(
        texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
    )
    return words
