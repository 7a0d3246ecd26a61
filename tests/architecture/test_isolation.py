"""Nothing of the contract is left out of the isolation matrix (`make isolation`)."""

from collections import Counter

import pytest

from entrypoints.grpc.interceptors.authentication import WITHOUT_SPACE, WITHOUT_TOKEN
from isolation import contract
from isolation.actors import actors
from isolation.cases import Case, cases, doors
from isolation.contract import SPACE_HEADER, rpcs
from isolation.kinds import FIELDS, SCOPES, Kind, Scope, Unclassified
from isolation.world import World

EVERYBODY = actors(World())
CASES = tuple(cases(EVERYBODY))
RELATIONS = {
    *("other organization", "other space", "viewer", "nobody"),
    *("removed from the organization", "removed from the space"),
}


def tried_by(relation: str) -> list[Case]:
    return [case for case in CASES if case.actor.relation == relation]


def test_every_rpc_is_in_the_matrix_and_nothing_else() -> None:
    assert {rpc.short for rpc in rpcs()} == set(SCOPES)
    assert {case.rpc.short for case in CASES} == set(SCOPES)


def test_a_new_rpc_fails_the_build_until_somebody_says_what_it_is_confined_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(SCOPES, "RunService.GetRun")
    with pytest.raises(Unclassified, match=r"RunService\.GetRun"):
        tuple(cases(EVERYBODY))


def test_a_new_field_fails_the_build_until_somebody_says_what_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(FIELDS, "run_id")
    with pytest.raises(Unclassified, match="run_id"):
        tuple(cases(EVERYBODY))


def test_no_field_is_classified_that_does_not_exist() -> None:
    named = {
        name
        for rpc in rpcs()
        for message in contract.messages(rpc.method.input_type)
        for field in message.fields
        for name in (field.name, f"{message.name}.{field.name}")
    }
    assert set(FIELDS) <= named


def test_what_an_rpc_is_confined_to_is_what_the_server_asks_of_its_caller() -> None:
    open_ones = {rpc.full for rpc in rpcs() if rpc.scope is Scope.OPEN}
    in_space = {rpc.full for rpc in rpcs() if rpc.scope is Scope.SPACE}
    assert open_ones == set(WITHOUT_TOKEN)
    assert in_space == {rpc.full for rpc in rpcs()} - WITHOUT_TOKEN - WITHOUT_SPACE


def test_everybody_who_has_no_business_there_is_in_the_matrix() -> None:
    assert {actor.relation for actor in EVERYBODY} == RELATIONS


@pytest.mark.parametrize("relation", sorted(RELATIONS))
def test_each_of_them_tries_every_rpc_through_every_door(relation: str) -> None:
    tried = {(case.rpc.short, case.door) for case in tried_by(relation)}
    asked = [rpc for rpc in rpcs() if relation == "nobody" or rpc.scope is not Scope.OPEN]
    assert tried == {(rpc.short, door) for rpc in asked for door in doors(rpc)}


@pytest.mark.parametrize("relation", sorted(RELATIONS - {"nobody"}))
def test_every_place_is_given_every_kind_of_id_through_every_door(relation: str) -> None:
    given = Counter(
        (case.rpc.short, case.replaced[0][0].name, case.replaced[0][1], case.door)
        for case in tried_by(relation)
        if len(case.replaced) == 1
    )
    wanted = {
        (rpc.short, site.name, kind, door)
        for rpc in rpcs()
        if rpc.scope is not Scope.OPEN
        for site in (SPACE_HEADER, *rpc.fields)
        for kind in set(Kind) - {Kind.PAGE}
        for door in doors(rpc)
    }
    assert set(given) == wanted
    assert set(given.values()) == {1}


def test_streams_are_tried_as_server_sent_events_too() -> None:
    streams = {case.rpc.method.name for case in CASES if case.door.value == "SSE"}
    assert {"StartRun", "WatchRun"} <= streams


def test_there_are_thousands_of_cases() -> None:
    assert len(CASES) > 10_000
