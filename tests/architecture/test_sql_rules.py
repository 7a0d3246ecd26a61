"""The checks of statements report what they are there for, and nothing else."""

import ast

import pytest

from architecture.sql_rules import (
    header_faults,
    organization_faults,
    space_faults,
    sql_in_code,
    statements_used,
)


@pytest.mark.parametrize(
    "bad",
    [
        "select * from obelisk.invitations where invitation_id = $1",
        "select * from obelisk.invitations where organization_id = 'a constant'",
        "select * from obelisk.invitations where organization_id = $1 or invitation_id = $2",
        "select * from obelisk.organization_members m join obelisk.spaces s on true\n"
        "where m.organization_id = $1",
        "update obelisk.service_clients set revoke_time = now() where client_id = $1",
        "delete from obelisk.organization_members where user_id = $1",
        "insert into obelisk.invitations (invitation_id) values ($1)",
        "insert into obelisk.invitations (email, organization_id) values ($1, 'a constant')",
        "insert into obelisk.invitations values ($1, $2)",
        "insert into obelisk.invitations (email, organization_id) select $1, i.id from x i",
        "select * from obelisk.members_of('a constant', $1, $2, $3, $4)",
    ],
)
def test_the_check_reports_a_statement_that_could_leave_the_organization(bad: str) -> None:
    assert organization_faults(bad) != []


@pytest.mark.parametrize(
    "good",
    [
        "select 1",
        "select * from obelisk.runs where space_id = $1",
        "select * from obelisk.invitations where organization_id = $1 and (a or b)",
        "select * from obelisk.organization_members m join obelisk.spaces s\n"
        "on s.organization_id = m.organization_id where m.organization_id = $1",
        "insert into obelisk.space_members (space_id, organization_id) values ($1, $2)",
        "select * from obelisk.members_of($1, $2, $3, $4, $5)",
    ],
)
def test_the_check_lets_a_statement_of_one_organization_pass(good: str) -> None:
    assert organization_faults(good) == []


@pytest.mark.parametrize(
    "bad",
    [
        "select * from obelisk.runs where run_id = $1",
        "select * from obelisk.runs where space_id = 'a constant' and run_id = $1",
        "select * from obelisk.runs where space_id = $1 or run_id = $2",
        "select * from obelisk.runs where (space_id = $1 and run_id = $2) or run_id = $3",
        "select * from obelisk.runs r join obelisk.messages m on m.run_id = r.run_id\n"
        "where r.space_id = $1",
        "select * from obelisk.chunks c, obelisk.documents d where c.space_id = $1",
        "update obelisk.runs set state = $2 where run_id = $1",
        "delete from obelisk.documents where document_id = $1",
        "insert into obelisk.messages (conversation_id, content) values ($1, $2)",
        "insert into obelisk.messages (space_id, content) values ('a constant', $1)",
        "insert into obelisk.messages values ($1, $2)",
        "insert into obelisk.messages (space_id, content) select space_id, $1 from elsewhere",
        "select * from obelisk.hybrid('a constant', $1)",
        "select obelisk.create_organization($1, $2, $3, $4)",
        "select obelisk.no_such_function($1)",
    ],
)
def test_the_check_reports_a_statement_that_could_leave_the_space(bad: str) -> None:
    assert space_faults(bad) != []


@pytest.mark.parametrize(
    "good",
    [
        "select 1",
        "select * from obelisk.runs where space_id = $1 and ($2::uuid is null or run_id < $2)",
        "select * from obelisk.runs r join obelisk.messages m on m.space_id = r.space_id\n"
        "where r.space_id = $1",
        "insert into obelisk.messages (space_id, content) values ($1, $2)",
        "insert into obelisk.chunks (space_id, chunk_id) select $1, v.id from unnest($2) as v (id)",
        "select * from obelisk.hybrid($1, $2)",
        "update obelisk.runs set cancel_requested = a or b where space_id = $1",
    ],
)
def test_the_check_lets_a_bound_statement_pass(good: str) -> None:
    assert space_faults(good) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("-- get: one\nselect 1;\n-- get: two\nselect 2;", "get stands twice"),
        ("-- get:\nselect 1;", "get has no purpose"),
        ("-- get: one\n\n-- put: two\nselect 2;", "get is empty"),
        ("select 1;\n-- get: one\nselect 2;", "something stands before the first name"),
    ],
)
def test_the_check_reports_a_bad_header(text: str, fault: str) -> None:
    assert header_faults(text) == [fault]


def test_the_check_sees_which_statements_code_uses() -> None:
    tree = ast.parse('_SQL = statements("runs")\na(_SQL["get"])\nb(_SQL[name])')
    assert statements_used(tree) == {("runs", "get"), ("runs", "?")}


def test_the_check_finds_sql_in_code() -> None:
    tree = ast.parse('"""Select one."""\na("select 1")\nb(f"delete from {table}")\nc("set role x")')
    assert sql_in_code(tree) == ["select 1", "set role x", "delete from"]
    assert sql_in_code(ast.parse('a("selected", "set it up", "with it", "updates")')) == []
