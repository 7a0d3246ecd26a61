"""Windows of signing keys, as pure functions of time."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.auth.key_rotation import KeyChain, KeyPhase, KeyPolicy, KeyTimes

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = KeyPolicy()
EMPTY = KeyChain(policy=POLICY)
FIRST = EMPTY.with_key("a", START)


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _days(days: float) -> timedelta:
    return timedelta(days=days)


def _phases(chain: KeyChain, now: datetime) -> dict[str, KeyPhase]:
    return {window.kid: window.phase(now, chain.policy) for window in chain.windows()}


def _signer(chain: KeyChain, now: datetime) -> str | None:
    times = chain.signer(now)
    return times.kid if times else None


def test_the_first_key_signs_at_once() -> None:
    assert EMPTY.signer(START) is None
    assert EMPTY.wanted(START) == START == EMPTY.wanted(START, forced=True)
    assert _phases(FIRST, START) == {"a": KeyPhase.ACTIVE}
    assert _signer(FIRST, START) == "a"


def test_the_first_key_signs_also_by_a_clock_that_is_behind() -> None:
    assert _signer(FIRST, START - _s(30)) == "a"


def test_no_key_is_made_before_it_is_time_to_publish_it() -> None:
    due = START + POLICY.period
    assert FIRST.wanted(due - POLICY.lead - _s(1)) is None
    assert FIRST.wanted(due - POLICY.lead) == due
    assert FIRST.wanted(due - POLICY.lead + _s(5)) == due + _s(5)


def test_a_scheduled_key_goes_through_all_its_phases() -> None:
    made, due = START + POLICY.period - POLICY.lead, START + POLICY.period
    chain = FIRST.with_key("b", made)
    assert _phases(chain, made) == {"a": KeyPhase.ACTIVE, "b": KeyPhase.NEXT}
    assert _phases(chain, due) == {"a": KeyPhase.RETIRED, "b": KeyPhase.ACTIVE}
    gone = due + timedelta(minutes=15, seconds=30)
    assert _phases(chain, gone - _s(1))["a"] is KeyPhase.RETIRED
    assert _phases(chain, gone) == {"a": KeyPhase.GONE, "b": KeyPhase.ACTIVE}
    assert [key.kid for key in chain.without_gone(gone - _s(1)).keys] == ["a", "b"]
    assert [key.kid for key in chain.without_gone(gone).keys] == ["b"]


def test_a_forced_key_is_published_for_the_short_lead() -> None:
    chain = FIRST.with_key("b", START + _s(60), forced=True)
    assert chain.keys[-1].activate_time == START + _s(60) + POLICY.forced_lead
    assert _signer(chain, START + _s(69)) == "a"
    assert _signer(chain, START + _s(70)) == "b"


def test_while_a_key_is_on_its_way_no_other_is_wanted() -> None:
    now = START + _s(60)
    chain = FIRST.with_key("b", now, forced=True)
    assert chain.wanted(now + _s(9), forced=True) is None
    assert chain.hastened(now + _s(9), forced=True) == chain
    with pytest.raises(ValueError, match="wanted"):
        chain.with_key("c", now + _s(9), forced=True)
    assert chain.wanted(now + _s(10), forced=True) == now + _s(20)


def test_a_scheduled_key_on_its_way_begins_sooner_when_somebody_asks() -> None:
    made = START + POLICY.period - POLICY.lead
    chain = FIRST.with_key("b", made)
    asked = made + timedelta(hours=1)
    sooner = chain.hastened(asked, forced=True)
    assert sooner.keys[-1].activate_time == asked + POLICY.forced_lead
    assert sooner.hastened(asked + _s(3), forced=True) == sooner
    assert sooner.hastened(asked + _s(3)) == sooner
    assert chain.hastened(asked) == chain


def test_a_key_asked_for_right_after_it_was_made_is_still_published_for_the_lead() -> None:
    made = START + POLICY.period - POLICY.lead
    behind = made - _s(20)
    sooner = FIRST.with_key("b", made).hastened(behind, forced=True)
    assert sooner.keys[-1].activate_time == made + POLICY.forced_lead


def test_a_key_that_a_wrong_clock_put_off_for_years_is_brought_back() -> None:
    astray = FIRST.with_key("b", START + _days(4000))
    brought = astray.hastened(START + _days(89))
    assert brought.keys[-1].activate_time == START + POLICY.period
    assert astray.hastened(START + _days(100)).keys[-1].activate_time == START + _days(101)


def test_a_forced_rotation_starts_the_period_anew() -> None:
    forced = START + _days(40)
    chain = FIRST.with_key("b", forced, forced=True)
    assert chain.wanted(START + POLICY.period) is None
    due = forced + POLICY.forced_lead + POLICY.period
    assert chain.wanted(due - POLICY.lead) == due


def test_after_a_long_downtime_the_old_key_signs_until_a_new_one_was_published() -> None:
    back = START + _days(400)
    assert _signer(FIRST, back) == "a"
    chain = FIRST.with_key("b", back)
    assert _signer(chain, back + POLICY.lead - _s(1)) == "a"
    assert _signer(chain, back + POLICY.lead) == "b"


def test_a_key_whose_time_came_during_a_downtime_signs_after_it() -> None:
    chain = FIRST.with_key("b", START + POLICY.period - POLICY.lead)
    assert _signer(chain, START + _days(120)) == "b"
    assert [key.kid for key in chain.without_gone(START + _days(120)).keys] == ["b"]


def test_a_signature_is_believed_only_inside_of_its_keys_window() -> None:
    retire = START + _days(90)
    window = FIRST.with_key("b", retire - _days(1)).windows()[0]
    close = retire + timedelta(minutes=15, seconds=30)

    def believed(issued: datetime, now: datetime) -> bool:
        return window.verifies(issued, now, POLICY)

    assert believed(START - _s(30), START - _s(30))
    assert not believed(START - _s(31), START)
    assert not believed(START, START - _s(31))
    assert believed(retire + _s(30), retire + _s(30))
    assert not believed(retire + _s(31), retire + _s(31))
    assert believed(retire - _s(1), close - _s(1))
    assert not believed(retire - _s(1), close)


def test_while_no_successor_is_known_the_last_key_verifies_for_ever() -> None:
    (window,) = FIRST.windows()
    assert window.verifies(START + _days(3000), START + _days(3000), POLICY)
    assert window.closes(POLICY) is None
    assert window.last_signature(POLICY) is None


@pytest.mark.parametrize(
    "bad",
    [
        {"forced_lead": _s(0)},
        {"forced_lead": _days(2)},
        {"lead": _days(90)},
        {"token_life": _s(0)},
        {"token_life": _days(1) + _s(1)},
        {"skew": _s(-1)},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(bad: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError):
        replace(POLICY, **bad)


def test_the_shortest_policy_that_makes_sense_is_taken() -> None:
    edge = replace(POLICY, lead=_s(10), forced_lead=_s(10), token_life=_days(1), skew=_s(0))
    assert edge.kept == _days(1)


def test_a_chain_that_makes_no_sense_is_refused() -> None:
    one = KeyTimes(kid="a", publish_time=START, activate_time=START)
    same_time = replace(one, kid="b")
    with pytest.raises(ValueError, match="at once"):
        KeyChain(policy=POLICY, keys=(one, same_time))
    later = replace(one, activate_time=START + _s(1))
    with pytest.raises(ValueError, match="twice"):
        KeyChain(policy=POLICY, keys=(one, later))
    with pytest.raises(ValueError, match="before it is published"):
        replace(one, activate_time=START - _s(1))


# What several processes do to one chain, each by a clock of its own, in any order.


@dataclass(frozen=True)
class Act:
    """One look of one process: true seconds since the last act, its clock's error, what it asks."""

    later: float
    error: float
    forced: bool


PERIODS = {"period": _days(2), "lead": timedelta(hours=2), "token_life": timedelta(minutes=15)}
QUICK = replace(POLICY, **PERIODS)
HALF_SKEW = QUICK.skew.total_seconds() / 2
ACTS = st.lists(
    st.builds(
        Act,
        later=st.one_of(
            st.floats(0, 30), st.floats(0, 3600), st.floats(0, 86_400), st.floats(0, 4e6)
        ),
        error=st.floats(-HALF_SKEW, HALF_SKEW),
        forced=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


def _looked(chain: KeyChain, now: datetime, kid: str, *, forced: bool) -> KeyChain:
    """What a process that looks at the chain at `now`, by its clock, makes of it."""
    chain = chain.without_gone(now).hastened(now, forced=forced)
    if chain.wanted(now, forced=forced) is None:
        return chain
    return chain.with_key(kid, now, forced=forced)


def _history(acts: list[Act]) -> list[tuple[datetime, KeyChain]]:
    """The chain after each act, with the true time of the act."""
    chain, now = KeyChain(policy=QUICK), START
    found = []
    for number, act in enumerate(acts):
        now += _s(act.later)
        chain = _looked(chain, now + _s(act.error), f"key-{number}", forced=act.forced)
        found.append((now, chain))
    return found


@given(ACTS)
def test_at_any_time_exactly_one_key_signs(acts: list[Act]) -> None:
    history = _history(acts)
    for now, chain in history:
        moments = {now, *(key.activate_time for key in chain.keys)}
        for moment in (at + _s(d) for at in moments for d in (-1, 0, 1)):
            active = [k for k, phase in _phases(chain, moment).items() if phase is KeyPhase.ACTIVE]
            signer = _signer(chain, moment)
            assert signer is not None
            assert active == ([signer] if moment >= chain.keys[0].activate_time else [])


@given(ACTS)
def test_no_key_but_the_first_signs_before_it_was_published_for_the_lead(acts: list[Act]) -> None:
    history = _history(acts)
    first = history[0][1].keys[0].kid
    published: dict[str, datetime] = {}
    for now, chain in history:
        for key in chain.keys:
            published.setdefault(key.kid, now)
            if key.kid != first:
                assert key.activate_time - key.publish_time >= QUICK.forced_lead
    last = history[-1][1].keys[-1]
    if last.kid != first:
        assert last.publish_time - published[last.kid] <= QUICK.skew


@settings(max_examples=300)
@given(ACTS, st.floats(-HALF_SKEW, HALF_SKEW), st.floats(-HALF_SKEW, HALF_SKEW), st.data())
def test_a_signature_verifies_during_the_tokens_whole_life(
    acts: list[Act], signing: float, verifying: float, data: st.DataObject
) -> None:
    """The signer has just looked; verifiers look afterwards, and both by clocks of their own."""
    history = _history(acts)
    at = data.draw(st.integers(0, len(history) - 1))
    signed, known = history[at]
    issued = signed + _s(signing)
    kid = _signer(known, issued)
    ends = issued + QUICK.token_life
    for begun, chain in history[at:]:
        now = max(begun, signed) + _s(verifying)
        if now >= ends:
            break
        (window,) = [w for w in chain.windows() if w.kid == kid]
        assert window.verifies(issued, now, QUICK)


@given(ACTS)
def test_what_is_gone_never_comes_back(acts: list[Act]) -> None:
    gone: set[str] = set()
    known: set[str] = set()
    for now, chain in _history(acts):
        kids = {key.kid for key in chain.keys}
        gone |= known - kids
        known |= kids
        assert not gone & kids
        far = now + _days(10_000)
        for window in chain.windows()[:-1]:
            assert window.phase(far, QUICK) is KeyPhase.GONE
            assert not window.verifies(window.activate_time, far, QUICK)


@given(ACTS)
def test_looking_twice_at_once_makes_no_second_key(acts: list[Act]) -> None:
    now, chain = _history(acts)[-1]
    once = _looked(chain, now, "one", forced=True)
    assert _looked(once, now, "two", forced=True) == once
    assert _looked(once, now, "two", forced=False) == once
