"""Texts on their way to an embedding model whose vocabulary is not known here."""

from collections.abc import Iterator, Sequence

from domain.retrieval.vector import EmbeddingModel, TextTooLong
from domain.token_bound import most_tokens


def refuse_long(texts: Sequence[str], model: EmbeddingModel) -> None:
    """Raises:
    TextTooLong: one might be over the model's limit, where services cut without a word.
    """
    for index, text in enumerate(texts):
        if (tokens := most_tokens(text)) > model.max_tokens:
            raise TextTooLong(
                f"text {index + 1} of {len(texts)} has up to {tokens} tokens;"
                f" the embedding model takes {model.max_tokens}",
                field=f"texts[{index}]",
            )


def batches(texts: Sequence[str], *, items: int, tokens: int) -> Iterator[list[str]]:
    """At most `items` texts of `tokens` together, one that is longer by itself."""
    some: list[str] = []
    room = tokens
    for text in texts:
        needed = most_tokens(text)
        if some and (len(some) == items or needed > room):
            yield some
            some, room = [], tokens
        some.append(text)
        room -= needed
    if some:
        yield some
