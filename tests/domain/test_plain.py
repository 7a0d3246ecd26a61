"""Values to JSON-plain ones and back."""

import json
from dataclasses import dataclass
from datetime import UTC
from types import UnionType
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.routing import Progress
from domain.agents.state import AgentState, ToolOutcome
from domain.documents.document import Collection
from domain.plain import NotPlain, Plain, from_plain, to_plain
from domain.retrieval.passage import FusedPassage, Passage
from domain.runs.codec import decode_event, decode_kind, encode_event, encode_kind, kind_name
from domain.runs.event import EventKind, RunCompleted, RunEvent, RunStarted, StageTimed
from domain.runs.run import TerminationReason
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.events import one_of_each

_TIMES = st.datetimes(timezones=st.just(UTC))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
KINDS = get_args(EventKind)
_ANY_KIND = st.one_of([st.from_type(kind) for kind in KINDS])
# What people type holds no control characters: settings refuse them.
TYPED = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs")), max_size=5)

_SETTINGS = st.builds(
    SpaceSettings,
    brand_voice=st.builds(
        BrandVoice, terms_to_avoid=st.lists(st.text("ab", min_size=1)).map(tuple)
    ),
    facts=st.dictionaries(TYPED, TYPED, max_size=4),
)
_FUSED = st.builds(FusedPassage, passage=st.builds(Passage))


def test_every_kind_has_a_name_of_its_own() -> None:
    assert isinstance(EventKind, UnionType)
    names = {type(kind): kind_name(kind) for kind in one_of_each()}
    assert set(names) == set(KINDS)
    assert len(set(names.values())) == len(KINDS) == 14


@given(kind=_ANY_KIND)
def test_every_event_survives_the_log(kind: EventKind) -> None:
    assert decode_kind(kind_name(kind), encode_kind(kind)) == kind


@given(event=st.builds(RunEvent, sequence=st.integers(1), create_time=_TIMES, kind=_ANY_KIND))
def test_every_event_survives_an_announcement(event: RunEvent) -> None:
    text = encode_event(event)
    assert "\n" not in text
    assert decode_event(text) == event


@given(
    state=st.builds(
        AgentState,
        settings=_SETTINGS,
        passages=st.lists(_FUSED, max_size=2).map(tuple),
        outcomes=st.lists(st.builds(ToolOutcome), max_size=2).map(tuple),
        sent=st.lists(_FUSED, max_size=2).map(tuple),
    )
)
def test_what_an_agent_knows_survives_a_checkpoint(state: AgentState) -> None:
    rested: Plain = json.loads(json.dumps(to_plain(state)))
    assert from_plain(AgentState, rested) == state


def test_what_an_older_version_did_not_write_takes_its_default() -> None:
    assert from_plain(StageTimed, {"stage": "x", "seconds": 1}) == StageTimed(
        stage="x", seconds=1.0
    )


def test_what_a_newer_version_writes_besides_is_ignored() -> None:
    plain: Plain = {"retrieved": True, "mood": "bright"}
    assert from_plain(Progress, plain) == Progress(retrieved=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    names: tuple[str, ...] = ()
    where: Collection | None = None


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (RunStarted, {"chat_model": "m"}),
        (RunStarted, {"chat_model": "m", "attempt": "1"}),
        (RunStarted, {"chat_model": 5, "attempt": 1}),
        (RunStarted, ["m", 1]),
        (RunStarted, None),
        (RunCompleted, {"reason": "bored"}),
        (Passage, {"chunk_id": "no-uuid"}),
        (_Box, {"names": {}}),
        (_Box, {"names": {"a": "b"}}),
        (_Box, {"names": "abc"}),
        (_Box, {"where": "nowhere"}),
        (RunEvent, {"sequence": 1, "create_time": "yesterday", "kind": {}}),
    ],
)
def test_what_does_not_fit_its_type_is_refused(kind: type, plain: Plain) -> None:
    with pytest.raises(NotPlain):
        from_plain(kind, plain)


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(NotPlain):
        to_plain(object())


def test_an_event_that_no_version_ever_wrote_is_refused() -> None:
    with pytest.raises(NotPlain, match="'dreamt'"):
        decode_kind("dreamt", "{}")


def test_an_enum_rests_as_its_value() -> None:
    completed = RunCompleted(reason=TerminationReason.MAX_ITERATIONS)
    plain = {"reason": "max_iterations", "detail": "", "cancel_reason": None}
    assert to_plain(completed) == plain
