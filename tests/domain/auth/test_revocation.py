"""What is known of tokens, and the verdict on one of them."""

import pickle
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.auth.claims import Claims
from domain.auth.revocation import (
    KEPT_FOR,
    Authority,
    AuthorityChange,
    ChangeKind,
    Verdict,
    session_revoked,
    token_revoked,
    user_revoked,
)
from domain.identifiers import SessionId, UserId
from fixtures.making import NOON

USERS = [UserId(UUID(int=n)) for n in range(1, 4)]
SESSIONS = [SessionId(UUID(int=n)) for n in range(11, 15)]
MINUTE = timedelta(minutes=1)


def claims(
    user: int = 0, session: int = 0, token: str = "a", epoch: int = 0, issued_after: int = 0
) -> Claims:
    issued = NOON + issued_after * MINUTE
    return Claims(
        subject=USERS[user],
        session_id=SESSIONS[session],
        token_id=token,
        issue_time=issued,
        expire_time=issued + 15 * MINUTE,
        epoch=epoch,
    )


def epoch_moved(user: UserId, epoch: int) -> AuthorityChange:
    return AuthorityChange(
        kind=ChangeKind.EPOCH, subject=str(user), epoch=epoch, expire_time=NOON + KEPT_FOR
    )


def knowing(*changes: AuthorityChange) -> Authority:
    authority = Authority()
    authority.learn(changes)
    return authority


anybody = st.builds(
    claims,
    user=st.integers(0, 2),
    session=st.integers(0, 3),
    token=st.sampled_from("abc"),
    epoch=st.integers(0, 5),
    issued_after=st.integers(0, 90),
)
moment = st.integers(0, 100).map(lambda n: NOON + n * MINUTE)
changes = st.lists(
    st.one_of(
        st.builds(token_revoked, st.sampled_from(USERS), st.sampled_from("abc"), moment),
        st.builds(session_revoked, st.sampled_from(SESSIONS), moment),
        st.builds(user_revoked, st.sampled_from(USERS), moment),
        st.builds(epoch_moved, st.sampled_from(USERS), st.integers(1, 5)),
    ),
    max_size=12,
)


def test_a_token_of_which_nothing_is_known_is_current() -> None:
    assert Authority().verdict(claims(epoch=3)) is Verdict.CURRENT


@pytest.mark.parametrize(
    "change",
    [
        token_revoked(USERS[0], "a", NOON),
        session_revoked(SESSIONS[0], NOON),
        user_revoked(USERS[0], NOON + MINUTE),
    ],
)
def test_a_revoked_token_session_or_user_is_revoked(change: AuthorityChange) -> None:
    assert knowing(change).verdict(claims()) is Verdict.REVOKED


@pytest.mark.parametrize(
    "change",
    [
        token_revoked(USERS[1], "a", NOON),
        token_revoked(USERS[0], "b", NOON),
        session_revoked(SESSIONS[1], NOON),
        user_revoked(USERS[1], NOON + MINUTE),
        epoch_moved(USERS[1], 9),
    ],
)
def test_what_befalls_another_changes_nothing(change: AuthorityChange) -> None:
    assert knowing(change).verdict(claims()) is Verdict.CURRENT


def test_a_sign_in_after_the_revocation_of_its_user_counts() -> None:
    authority = knowing(user_revoked(USERS[0], NOON + MINUTE))
    assert authority.verdict(claims(issued_after=0)) is Verdict.REVOKED
    assert authority.verdict(claims(issued_after=1)) is Verdict.CURRENT


def test_a_token_of_an_earlier_epoch_is_stale_and_one_of_a_later_is_not() -> None:
    authority = knowing(epoch_moved(USERS[0], 3))
    assert authority.verdict(claims(epoch=2)) is Verdict.STALE
    assert authority.verdict(claims(epoch=3)) is Verdict.CURRENT
    assert authority.verdict(claims(epoch=4)) is Verdict.CURRENT
    assert authority.epoch_of(USERS[0]) == 3
    assert authority.epoch_of(USERS[1]) == 0


def test_revocation_outranks_staleness() -> None:
    authority = knowing(epoch_moved(USERS[0], 3), session_revoked(SESSIONS[0], NOON))
    assert authority.verdict(claims(epoch=2)) is Verdict.REVOKED


@given(told=changes, token=anybody, order=st.randoms(use_true_random=False))
def test_the_verdict_hangs_on_no_order_and_on_no_repetition(
    told: list[AuthorityChange], token: Claims, order: st.DataObject
) -> None:
    shuffled = [*told, *told]
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random, by its strategy
    one_by_one = Authority()
    for change in shuffled:
        one_by_one.learn([change])
    assert one_by_one.verdict(token) is knowing(*told).verdict(token)
    assert not one_by_one.learn(told)


@given(told=changes, more=changes, token=anybody)
def test_knowing_more_never_makes_a_token_better(
    told: list[AuthorityChange], more: list[AuthorityChange], token: Claims
) -> None:
    ranks = list(Verdict)
    before, after = knowing(*told).verdict(token), knowing(*told, *more).verdict(token)
    assert ranks.index(after) >= ranks.index(before)


@given(told=changes, token=anybody, passed=st.integers(0, 24 * 60))
def test_forgetting_never_changes_the_verdict_on_a_token_in_its_time(
    told: list[AuthorityChange], token: Claims, passed: int
) -> None:
    # A day is the longest that a token lives: `now` is a moment at which it still does.
    now = token.issue_time + passed * MINUTE
    authority = knowing(*(c for c in told if c.expire_time >= token.issue_time + KEPT_FOR))
    before = authority.verdict(token)
    authority.forget(now)
    assert authority.verdict(token) is before


@given(told=changes)
def test_everything_is_forgotten_in_the_end(told: list[AuthorityChange]) -> None:
    authority = knowing(*told)
    authority.forget(NOON + 101 * MINUTE + KEPT_FOR)
    assert len(authority) == 0


def test_a_prolonged_change_outlives_its_first_end() -> None:
    authority = knowing(session_revoked(SESSIONS[0], NOON))
    authority.learn([session_revoked(SESSIONS[0], NOON + 60 * MINUTE)])
    authority.forget(NOON + KEPT_FOR)
    assert authority.verdict(claims()) is Verdict.REVOKED
    authority.forget(NOON + KEPT_FOR + 60 * MINUTE)
    assert authority.verdict(claims()) is Verdict.CURRENT


def test_no_number_of_others_pushes_a_revocation_out() -> None:
    authority = knowing(session_revoked(SESSIONS[0], NOON))
    authority.learn(session_revoked(SessionId(UUID(int=n)), NOON) for n in range(1_000, 51_000))
    assert len(authority) == 50_001
    assert authority.verdict(claims()) is Verdict.REVOKED


def test_a_change_is_kept_longer_than_the_longest_token_lives() -> None:
    longest_token_with_skew = timedelta(days=1, minutes=5)
    assert longest_token_with_skew < KEPT_FOR


def test_a_user_who_changes_often_takes_the_room_of_one_and_is_forgotten_at_the_last_end() -> None:
    authority = Authority()
    for number in range(1, 1_001):
        moved = replace(epoch_moved(USERS[0], number), expire_time=NOON + number * MINUTE)
        authority.learn([moved])
    assert len(pickle.dumps(authority)) < 5_000
    authority.forget(NOON + 999 * MINUTE)
    assert authority.epoch_of(USERS[0]) == 1_000
    authority.forget(NOON + 1_000 * MINUTE)
    assert (authority.epoch_of(USERS[0]), len(authority)) == (0, 0)
