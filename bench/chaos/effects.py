"""A tool with an effect on the outside, and the outside, which is a file."""

import asyncio
import json
import os
import re
from pathlib import Path
from uuid import uuid4

from bench.chaos.history import Deed

from application.ports.tool import ToolInput, ToolOutput
from domain.agents.effect import Effect

TAG = re.compile(r"\[(c\d+)\]")
# Before and after the effect, so that a process can be lost on either side of it.
_SECONDS = 0.08


class EffectTool:
    """Writes a line for what it was called for. It looks at nothing but the question's tag.

    One that is KEYED hands its key on; one that cannot tell has another key with each call.
    """

    def __init__(self, name: str, effect: Effect, place: Path) -> None:
        self._name = name
        self._effect = effect
        self._place = place

    @property
    def name(self) -> str:
        return self._name

    @property
    def effect(self) -> Effect:
        return self._effect

    def arguments_json(self, given: ToolInput) -> str:
        return json.dumps({"tag": _tag(given)})

    async def call(self, given: ToolInput) -> ToolOutput:
        await asyncio.sleep(_SECONDS)
        key = given.idempotency_key if self._effect is Effect.KEYED else str(uuid4())
        line = {"tag": _tag(given), "step": self._name, "key": key}
        _append(self._place, json.dumps(line))
        await asyncio.sleep(_SECONDS)
        return ToolOutput(result_json='{"done": true}', brief="Say what was done.")


def read_effects(place: Path) -> tuple[Deed, ...]:
    """All that has happened, oldest first."""
    if not place.exists():
        return ()
    return tuple(Deed(**json.loads(line)) for line in place.read_text().splitlines())


def _tag(given: ToolInput) -> str:
    found = TAG.search(given.question)
    return found[1] if found else ""


def _append(place: Path, line: str) -> None:
    """In one write, so that processes do not cut each other's lines."""
    handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)
