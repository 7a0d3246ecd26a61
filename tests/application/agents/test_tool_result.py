"""A tool may return whatever it likes: a run takes in what it can remember."""

import json
from uuid import UUID

import pytest

from application.agents.prompt import Desk, plan_writing
from application.agents.tool_result import (
    MOST_BRIEF_BYTES,
    MOST_FAILURE_CHARACTERS,
    MOST_PASSAGES_BYTES,
    MOST_RESULT_BYTES,
    bounded,
    failure_of,
)
from application.ports.tool import ToolOutput
from domain.agents.state import AgentState
from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.plain import to_plain
from domain.retrieval.passage import FusedPassage, Passage
from domain.runs.journal import MOST_MARK_BYTES
from fixtures.agents import a_shop


def _bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _found(number: int, text: str) -> FusedPassage:
    passage = Passage(
        chunk_id=ChunkId(UUID(int=number)),
        document_id=DocumentId(UUID(int=1)),
        title="Guide",
        filename="guide.md",
        collection=Collection.GENERAL,
        section_path=(),
        page=None,
        text=text,
    )
    return FusedPassage(passage=passage, streams=("semantic",), score=1 / number)


def test_a_usual_result_is_taken_in_as_it_is() -> None:
    output = ToolOutput(
        result_json='{"sent": 1}', brief="One was sent.", passages=(_found(1, "Herring"),)
    )
    assert bounded(output) == (output, "")


def test_what_is_exactly_as_long_as_it_may_be_is_whole() -> None:
    output = ToolOutput(
        result_json="x" * (MOST_RESULT_BYTES - 2), brief="y" * (MOST_BRIEF_BYTES - 2)
    )
    assert bounded(output) == (output, "")


@pytest.mark.parametrize("filling", ["x", "\x00", '"', "\\", "é", "数", "😀", "\ud800"])
def test_a_large_result_says_itself_that_it_was_cut(filling: str) -> None:
    large = json.dumps({"found": filling * 400_000}, ensure_ascii=False)
    kept, told = bounded(ToolOutput(result_json=large, brief=filling * 400_000))
    assert "which is more than is kept" in told
    result = json.loads(kept.result_json)
    assert (result["truncated"], result["bytes"]) == (True, len(large.encode(errors="replace")))
    assert large.encode(errors="replace").decode().startswith(result["beginning"])
    assert kept.brief.endswith("the rest was cut off.]")
    assert _bytes(kept.result_json) <= MOST_RESULT_BYTES
    assert _bytes(kept.brief) <= MOST_BRIEF_BYTES + 200


def test_the_first_passages_are_kept_and_the_model_is_told() -> None:
    passages = tuple(_found(n, "herring " * 500) for n in range(1, 200))
    kept, told = bounded(ToolOutput(result_json="{}", brief="Found.", passages=passages))
    assert 0 < len(kept.passages) < 199
    assert kept.passages == passages[: len(kept.passages)]
    assert sum(_bytes(to_plain(one)) for one in kept.passages) <= MOST_PASSAGES_BYTES
    assert told
    assert kept.brief.startswith("Found.\n[Cut here: it returned ")


def test_the_results_of_six_tools_fit_one_mark() -> None:
    assert (
        6 * (MOST_RESULT_BYTES + MOST_BRIEF_BYTES + 8 * MOST_FAILURE_CHARACTERS) < MOST_MARK_BYTES
    )


def test_a_failure_is_told_in_a_few_words() -> None:
    assert failure_of("no such host") == "no such host"
    assert failure_of("x" * 10_000) == "x" * MOST_FAILURE_CHARACTERS + " [cut here]"


async def test_a_long_brief_leaves_room_for_the_question_and_its_sources() -> None:
    shop = await a_shop()
    desk = Desk(context_tokens=1000, count_tokens=lambda text: len(text.split()), sections=0)
    writing = plan_writing(shop.task(), AgentState(), ["y " * 8_000, "short"], "mark", desk)
    (section,) = writing.sections
    words = [word for m in section.request.messages for word in m.content.split()]
    assert len(words) < 500
    assert words.count("y") > 50
    assert "short" in words
    assert writing.cut == ("finding",)
