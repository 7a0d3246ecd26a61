"""No question is ever compared with vectors of another model, whenever the model changes."""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.hash_embedder import HashEmbedder
from application.embeddings.rolling import EmbedderTurning, RollingEmbedder
from application.embeddings.whole import embed_whole, parts_of, require_unchanged, within
from domain.documents.chunking import ChunkingPolicy
from domain.retrieval.vector import Vector

OLD, NEW = HashEmbedder(dimensions=64), HashEmbedder(dimensions=32)


async def test_it_turns_after_a_pause_in_which_it_keeps_its_model() -> None:
    clock = FixedClock()
    rolling = RollingEmbedder([OLD, NEW], clock, turn_seconds=3)
    assert len(await rolling.embed_query("x")) == 64
    assert rolling.turn_to(NEW.model.name)
    clock.advance(2.9)
    assert rolling.turn_to(NEW.model.name), "asking again does not begin it anew"
    assert rolling.model == OLD.model
    with pytest.raises(EmbedderTurning):
        await rolling.embed_query("x")
    clock.advance(0.2)
    assert rolling.model == NEW.model
    assert len(await rolling.embed_query("x")) == 32


async def test_a_model_that_nobody_knows_changes_nothing() -> None:
    rolling = RollingEmbedder([OLD], FixedClock())
    assert not rolling.turn_to("another")
    assert rolling.turn_to(OLD.model.name)
    assert len(await rolling.embed_query("x")) == 64


async def test_turning_back_in_the_pause_goes_on_at_once() -> None:
    rolling = RollingEmbedder([OLD, NEW], FixedClock())
    rolling.turn_to(NEW.model.name)
    rolling.turn_to(OLD.model.name)
    assert len(await rolling.embed_query("x")) == 64


async def test_vectors_on_their_way_while_it_turns_are_let_go() -> None:
    clock, gate = FixedClock(), asyncio.Event()

    class Held(HashEmbedder):
        async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
            await gate.wait()
            return await super().embed_documents(texts)

    held = Held(dimensions=64)
    rolling = RollingEmbedder([held, NEW], clock, turn_seconds=0)
    task = asyncio.ensure_future(rolling.embed_documents(["x"]))
    await asyncio.sleep(0)
    rolling.turn_to(NEW.model.name)
    gate.set()
    with pytest.raises(EmbedderTurning):
        await task
    with pytest.raises(EmbedderTurning):
        require_unchanged(rolling, held.model)


@pytest.mark.parametrize("text", ["one two three four five six seven", "a" * 50, "", "x y"])
def test_parts_hold_every_character_and_fit(text: str) -> None:
    small = HashEmbedder(max_tokens=2)
    parts = parts_of(text, small)
    assert "".join(parts) == text
    assert max(map(small.count_tokens, parts)) <= 2


async def test_a_text_in_parts_has_one_vector_of_unit_length() -> None:
    small = HashEmbedder(max_tokens=2)
    long, short = await embed_whole(small, ["one two three four five", "one"])
    assert sum(value * value for value in long) == pytest.approx(1)
    assert short == (await small.embed_documents(["one"]))[0]


def test_passages_are_cut_for_the_model_that_takes_them() -> None:
    policy = ChunkingPolicy()
    assert within(policy, OLD.model) is policy
    small = within(policy, HashEmbedder(max_tokens=40).model)
    assert (small.max_tokens, small.min_tokens, small.overlap_tokens) == (40, 20, 10)
