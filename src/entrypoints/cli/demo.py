"""`obelisk demo`: the main job on embedded parts and real input, over a real gRPC connection."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import FailedPrecondition, InvalidInput
from entrypoints.cli.ask import stream_answer
from entrypoints.cli.ingest import CollectionName, upload_all
from entrypoints.cli.spaces import client, organization_named, space_named
from entrypoints.cli.terminal import console, log_to_terminal
from entrypoints.server import serving
from entrypoints.settings import Settings
from entrypoints.startup import platform
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2, tenancy_pb2

_LEAST_CITED_DOCUMENTS = 2
# What each file of the example company is for.
_FILES = (
    ("brand-guide.docx", CollectionName.BRAND),
    ("product-sheet.pdf", CollectionName.PRODUCT),
    ("price-list.xlsx", CollectionName.PRODUCT),
    ("pitch-deck.pptx", CollectionName.CAMPAIGN),
    ("campaign-results.csv", CollectionName.CAMPAIGN),
    ("newsletters/2026-03.md", CollectionName.CAMPAIGN),
    ("newsletters/2026-06.md", CollectionName.CAMPAIGN),
    ("newsletters/2026-09.html", CollectionName.CAMPAIGN),
    ("site/repair-programme.html", CollectionName.GENERAL),
    ("competitor-page.html", CollectionName.WEB),
)


class DemoFailed(FailedPrecondition):
    reason = "DEMO_FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    agent: str
    text: str


async def demo(settings: Settings, examples: Path, question: int) -> None:
    """Run it; raises DemoFailed when the answer cites too little or the replay differs."""
    log_to_terminal("ERROR")
    task = _task(examples, question)
    anywhere = settings.model_copy(update={"grpc_port": 0, "rest_port": 0})
    console.rule("[bold]Obelisk[/]")
    async with (
        platform(anywhere, _report) as container,
        serving(container, anywhere) as addresses,
        client(anywhere, addresses.grpc) as obelisk,
    ):
        _report(f"gRPC on {addresses.grpc}, REST on {addresses.rest}")
        await _enter_space(obelisk, examples / "space.toml")
        console.rule("Documents")
        await upload_all(obelisk, [(examples / name, what) for name, what in _FILES])
        console.rule(f"Question to the {task.agent} agent")
        console.print(task.text, style="italic")
        console.rule("Answer, as it is written")
        streamed, _ = await stream_answer(obelisk, task.agent, task.text)
        require_citations(streamed)
        await _check_replay(obelisk, streamed)


def _task(examples: Path, number: int) -> Task:
    tasks = tomllib.loads((examples / "questions.toml").read_text(encoding="utf-8"))["question"]
    if number > len(tasks):
        raise InvalidInput(f"questions.toml holds {len(tasks)} tasks; there is no {number}")
    return Task(agent=tasks[number - 1]["agent"], text=tasks[number - 1]["text"])


async def _enter_space(obelisk: ObeliskClient, path: Path) -> None:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    organization = await organization_named(obelisk, data["organization"]["name"])
    space = await space_named(obelisk, organization, data["space"]["name"])
    obelisk.space_id = space.space_id
    voice = data["brand_voice"]
    settings = tenancy_pb2.SpaceSettings(
        tone=voice["tone"],
        reading_level=voice["reading_level"],
        terms_to_use=voice["use"],
        terms_to_avoid=voice["avoid"],
        claims_needing_proof=voice["claims_needing_proof"],
        facts=data["facts"],
    )
    request = tenancy_pb2.UpdateSpaceSettingsRequest(settings=settings)
    await obelisk.tenancy.UpdateSpaceSettings(request, metadata=obelisk.metadata)
    _report(f"organization {organization.display_name!r}, space {space.display_name!r}")


def require_citations(events: Sequence[run_pb2.RunEvent]) -> None:
    """Raises DemoFailed unless what was cited with right has a heading or page in two documents."""
    numbers = {n for e in events if e.HasField("drafted") for n in e.drafted.cited_sources}
    documents = {
        source.filename
        for event in events
        if event.HasField("sources_retrieved")
        for source in event.sources_retrieved.sources
        if source.number in numbers and (source.section_path or source.page)
    }
    if len(documents) < _LEAST_CITED_DOCUMENTS:
        raise DemoFailed(
            f"the answer follows {len(documents)} documents that it cites, not two or more"
        )


async def _check_replay(obelisk: ObeliskClient, streamed: list[run_pb2.RunEvent]) -> None:
    console.rule("Replay from the event log")
    run_id = streamed[0].queued.run_id
    replayed = [event async for event in obelisk.watch(run_id)]
    if replayed != streamed:
        raise DemoFailed(f"the replay of run {run_id} differs from what was streamed")
    console.print(
        f"run {run_id}: {len(replayed)} events, [green]each the same as it was streamed[/]"
    )


def _report(what: str) -> None:
    console.print(f"[dim]{what}[/]")
