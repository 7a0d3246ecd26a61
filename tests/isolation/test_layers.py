"""Taking a layer away really takes it away."""

import pytest

from adapters.postgres import statements as loader
from architecture.tree import SRC
from isolation.layers import rewrite_statements, without_filters

FILES = sorted(path.stem for path in (SRC / "adapters" / "postgres" / "sql").glob("*.sql"))


@pytest.mark.parametrize(
    "sql",
    [
        "select * from obelisk.runs where space_id = $1 and run_id = $2",
        "select * from obelisk.runs r join x on r.space_id = $1",
        "delete from obelisk.invitations where invitation_id = $2 and organization_id = $1",
        "select exists (select from obelisk.spaces where (space_id = $12))",
        "update obelisk.runs r set fence = 1 where r.space_id = p_space",
    ],
)
def test_a_filter_passes_every_row_and_keeps_its_parameter(sql: str) -> None:
    rewritten, filters = without_filters(sql)
    assert filters == 1
    assert " is not null)" in rewritten
    assert [n for n in ("$1", "$2", "$12", "p_space") if n in rewritten] == [
        n for n in ("$1", "$2", "$12", "p_space") if n in sql
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "update obelisk.audit_events set organization_id = $2 where audit_id = $1",
        "insert into obelisk.runs (space_id, run_id) values ($1, $2)",
        "select * from obelisk.runs r join obelisk.messages m on m.space_id = r.space_id",
        "select * from obelisk.sessions where user_id = $1",
    ],
)
def test_what_is_no_filter_of_a_tenant_stays(sql: str) -> None:
    assert without_filters(sql) == (sql, 0)


def test_statements_that_are_loaded_afterwards_have_lost_their_filters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loader, "statements", loader.statements)
    whole = {file: loader.statements(file) for file in FILES}
    lost = rewrite_statements()
    stripped = {file: loader.statements(file) for file in FILES}
    assert sum(lost.values()) >= 30
    for file in FILES:
        differ = [name for name, sql in whole[file].items() if stripped[file][name] != sql]
        assert len(differ) == lost[file]
        assert set(stripped[file]) == set(whole[file])
