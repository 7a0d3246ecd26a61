"""What counts as a leak: a check that cannot fail would show nothing."""

from dataclasses import replace

import pytest

from isolation.actors import Actor, actors
from isolation.cases import Case, Door, cases, missing, own
from isolation.contract import rpcs
from isolation.judging import leaks
from isolation.knocking import Answer
from isolation.snapshot import Snapshot, changes
from isolation.world import World

WORLD = World()
STRANGER, *_, VIEWER, NOBODY = actors(WORLD)
REFUSED = Answer(
    status="NOT_FOUND", reason="RUN_NOT_FOUND", message="no such run", everything=b"", seconds=0.001
)
SHOWN = replace(REFUSED, status="OK", reason="", message="")


def case_of(actor: Actor, rpc: str, site: str) -> Case:
    return next(
        case
        for case in cases((actor,))
        if case.rpc.short == rpc and [place.name for place, _ in case.replaced] == [site]
    )


def told(case: Case, answer: Answer, of_twin: Answer = REFUSED) -> str:
    return "; ".join(leaks(case, answer, missing(case), of_twin))


CASE = case_of(STRANGER, "RunService.GetRun", "run_id")


def test_a_refusal_like_that_of_an_id_of_nothing_is_no_leak() -> None:
    assert told(CASE, REFUSED) == ""


@pytest.mark.parametrize(
    "answer",
    [
        replace(REFUSED, status="OK"),
        replace(REFUSED, reason="RUN_HIDDEN"),
        replace(REFUSED, message="not your run"),
    ],
)
def test_any_difference_to_an_id_of_nothing_is_a_leak(answer: Answer) -> None:
    assert "tells an id that exists" in told(CASE, answer)


def test_an_id_that_is_said_again_makes_no_difference() -> None:
    (sent,) = CASE.sent
    twin = missing(CASE)
    (of_nothing,) = twin.sent
    one, other = (replace(REFUSED, message=f"no run {known}") for known in (sent, of_nothing))
    assert list(leaks(CASE, one, twin, other)) == []


@pytest.mark.parametrize(
    "word",
    [
        WORLD.home.content,
        WORLD.victim.private,
        WORLD.victim.public,
        WORLD.home.chunk,
        WORLD.victim.owner,
    ],
    ids=["content", "private", "public", "chunk", "owner"],
)
def test_a_word_or_an_id_of_the_victim_is_a_leak_wherever_it_stands(word: str) -> None:
    answer = replace(SHOWN, everything=b"\x0a\x05" + word.encode() + b"\x00")
    assert f"shows {word}" in told(CASE, answer, SHOWN)


def test_what_the_caller_named_itself_is_no_leak() -> None:
    (sent,) = CASE.sent
    assert told(CASE, replace(REFUSED, everything=sent.encode())) == ""


@pytest.mark.parametrize("status", ["INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_an_answer_that_shows_nothing_is_not_taken_for_a_refusal(status: str) -> None:
    answer = replace(REFUSED, status=status)
    assert "was never answered" in told(CASE, answer, answer)


def test_a_viewer_who_changes_something_is_a_leak() -> None:
    deleting = next(rpc for rpc in rpcs() if rpc.short == "DocumentService.DeleteDocument")
    reading = next(rpc for rpc in rpcs() if rpc.short == "DocumentService.GetDocument")
    assert "is not refused" in told(own(deleting, Door.GRPC, VIEWER), SHOWN, SHOWN)
    assert told(own(reading, Door.GRPC, VIEWER), SHOWN, SHOWN) == ""


def test_somebody_without_a_token_who_is_answered_is_a_leak() -> None:
    reading = next(rpc for rpc in rpcs() if rpc.short == "TenancyService.ListOrganizations")
    assert "is not refused" in told(own(reading, Door.REST, NOBODY), SHOWN, SHOWN)


def _snapshot(*rows: tuple[str, str], **files: str) -> Snapshot:
    return Snapshot.of(rows, files)


HOME = f'{{"space_id": "{WORLD.home.space}", "title": "a"}}'
AWAY = f'{{"space_id": "{WORLD.elsewhere.space}", "title": "a"}}'


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (_snapshot(("runs", HOME)), _snapshot(), "not as it was"),
        (_snapshot(), _snapshot(("runs", HOME)), "appeared"),
        (_snapshot(), _snapshot(("x", f'{{"a": "{WORLD.home.content}"}}')), "holds"),
        (_snapshot(), _snapshot(("x", f'{{"a": "{WORLD.home.document}"}}')), "names"),
        (_snapshot(**{f"{WORLD.home.space}/a": "1"}), _snapshot(), "the file"),
        (_snapshot(), _snapshot(**{f"{WORLD.home.space}/a": "1"}), "the file"),
    ],
)
def test_whatever_became_of_the_victims_belongings_is_told(
    before: Snapshot, after: Snapshot, said: str
) -> None:
    assert said in "; ".join(changes(WORLD, before, after))


def test_what_others_did_with_their_own_is_nobodys_business() -> None:
    before = _snapshot(("runs", AWAY), **{f"{WORLD.elsewhere.space}/a": "1"})
    assert list(changes(WORLD, before, _snapshot())) == []
    assert list(changes(WORLD, _snapshot(), before)) == []
