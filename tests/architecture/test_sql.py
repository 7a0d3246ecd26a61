"""Every statement on a tenant table binds the space, and on an organization's the organization.

Every statement has a name and a use.
"""

from functools import cache
from pathlib import Path

import pytest

from architecture.sql_rules import (
    ORGANIZATION_TABLES,
    POSTGRES,
    TENANT_TABLES,
    header_faults,
    named_statements,
    organization_faults,
    space_faults,
    sql_in_code,
    statements_used,
)
from architecture.tree import source

FILES = sorted((POSTGRES / "sql").glob("*.sql"))
# Statements that may touch tenant tables without binding a space, each with the reason.
WITHOUT_SPACE = {
    ("tenancy", "add_organization"): "identity: an organization is made before any space",
    ("tenancy", "spaces_of"): "identity: which spaces a user may enter, by user and organization",
    ("tenancy", "standings_of"): "identity: which spaces somebody may enter, by their id",
    ("members", "change_in_view"): "counts owners of one organization, confined to it",
    ("members", "members"): "names of members, of one organization or of one of its spaces",
    ("audit", "begin"): "an act may be in no space; the identity role writes, and reads no content",
    ("audit", "end"): "by the act's own id; the identity role writes, and reads no content",
    ("audit", "list"): "the log of one organization, confined to it",
    ("erasure", "spaces"): "which spaces go with their organization, confined to it",
    ("erasure", "end_sessions"): "identity: sessions bound to an organization; told by their ids",
    ("erasure", "erase_organization"): "what is left of an organization once its spaces are gone",
    ("erasure", "keep_receipt"): "a receipt outlives the space, and holds ids and counts only",
    ("erasure", "finish"): "by the receipt's own id",
    ("erasure", "get"): "by the receipt's own id",
    ("erasure", "unfinished"): "recovery asks across spaces and learns ids only",
    ("sessions", "tell"): "identity: tells of a token, a session or a user, in no space",
    ("sessions", "tell_sessions"): "identity: tells of sessions, which are in no space",
    ("workers", "beat"): "a process learns ids of the runs that it has, of all spaces",
    ("workers", "lost"): "a process learns ids of the runs that were taken from it, of all spaces",
    ("workers", "reap"): "upkeep lets runs of all spaces wait again, and learns a number",
    ("workers", "claim_runs"): "a process takes up runs of any space; each under its space's rules",
    ("workers", "claim_documents"): "a process takes up documents of any space, and learns ids",
    ("workers", "leave"): "a process hands back what it has, of all spaces, and learns nothing",
    ("pauses", "old"): "upkeep learns ids of runs that wait for too long, of all spaces",
    ("uploads", "expired"): "upkeep learns ids of uploads whose time is over, of all spaces",
    ("embeddings", "serving"): "the installation's own: which embedding model serves",
    ("embeddings", "fill"): "the installation's own: who fills an embedding model in",
    ("embeddings", "serve"): "the installation's own: an embedding model serves from here on",
    ("embeddings", "left"): "the installation's own: embedding models that served once",
    ("embeddings", "forget"): "the installation's own: nothing is left of an embedding model",
    ("embeddings", "without"): "upkeep learns ids of passages that have no vector of a model",
    ("embeddings", "spaces"): "upkeep learns ids of spaces that have vectors of a model",
    ("looks", "unseen"): "upkeep learns ids of documents whose pictures wait for a model",
    ("graphs", "large"): "upkeep learns how many vectors a space has, and no more of it",
    ("graphs", "registered"): "upkeep learns which graphs there are, by their spaces' ids",
    ("events", "keep_weeks"): "upkeep makes and drops whole weeks of all spaces and learns nothing",
}
# The same for tables of organizations and their organization.
WITHOUT_ORGANIZATION = {
    ("tenancy", "organizations_of"): "identity: by the user's own id, and only with that setting",
    ("members", "invitation_of_token"): "identity: by a digest that only the invited can make",
    ("members", "invitation_to_accept"): "identity: by a digest that only the invited can make",
    ("members", "client_by_id"): "identity: a service's sign-in, before any organization is known",
    ("oidc", "open_invitations"): "identity: those for an email that its provider vouches for",
    ("sessions", "principal"): "identity: a service's sign-in, before any organization is known",
    ("erasure", "finish"): "by the receipt's own id",
    ("erasure", "get"): "by the receipt's own id",
    ("erasure", "unfinished"): "recovery asks across organizations and learns ids only",
}
# Statements that stand in code because they belong to the connection, not to any data.
IN_CODE = {
    ("pool.py", "select set_config("): "names the transaction's space or user",
    ("pool.py", "select r.rolsuper"): "what the login may do, before it is used",
    ("pool.py", "set local role obelisk_identity"): "makes the transaction one of identity",
    ("migrate.py", "select pg_advisory_lock("): "one migration at a time",
    ("migrate.py", "select pg_advisory_unlock("): "one migration at a time",
}


@cache
def _every_statement() -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (path.stem, name, sql)
        for path in FILES
        for name, _, sql in named_statements(path.read_text(encoding="utf-8"))
    )


def _used() -> set[tuple[str, str]]:
    found = [statements_used(source(path)) for path in POSTGRES.rglob("*.py")]
    return set().union(*found)


def test_every_tenant_table_is_known() -> None:
    kept = {"documents", "chunks", "chunk_vectors", "conversations", "runs", "run_events"}
    assert kept | {"messages", "space_settings", "space_members", "spaces"} <= TENANT_TABLES
    assert "organizations" not in TENANT_TABLES


@pytest.mark.parametrize(
    ("file", "name", "sql"),
    [statement for statement in _every_statement() if statement[:2] not in WITHOUT_SPACE],
)
def test_a_statement_on_a_tenant_table_binds_the_space(file: str, name: str, sql: str) -> None:
    assert space_faults(sql) == []


@pytest.mark.parametrize("exception", WITHOUT_SPACE)
def test_an_exception_is_still_there_and_still_needed(exception: tuple[str, str]) -> None:
    found = {(file, name): sql for file, name, sql in _every_statement()}
    assert space_faults(found[exception]) != []


def test_every_table_of_an_organization_is_known() -> None:
    heads = {"organizations", "organization_members", "spaces", "space_members"}
    assert heads | {"invitations", "service_clients"} <= ORGANIZATION_TABLES
    assert "runs" not in ORGANIZATION_TABLES


@pytest.mark.parametrize(
    ("file", "name", "sql"),
    [statement for statement in _every_statement() if statement[:2] not in WITHOUT_ORGANIZATION],
)
def test_a_statement_on_an_organizations_table_binds_the_organization(
    file: str, name: str, sql: str
) -> None:
    assert organization_faults(sql) == []


@pytest.mark.parametrize("exception", WITHOUT_ORGANIZATION)
def test_an_exception_of_an_organization_is_still_needed(exception: tuple[str, str]) -> None:
    found = {(file, name): sql for file, name, sql in _every_statement()}
    assert organization_faults(found[exception]) != []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_statements_are_named_once_and_say_their_purpose(path: Path) -> None:
    assert header_faults(path.read_text(encoding="utf-8")) == []


def test_every_statement_is_used_and_every_used_one_exists() -> None:
    assert _used() == {(file, name) for file, name, _ in _every_statement()}


def test_no_sql_stands_in_code_but_what_belongs_to_the_connection() -> None:
    strangers = [
        (path.name, text)
        for path in sorted(POSTGRES.rglob("*.py"))
        for text in sql_in_code(source(path))
        if not any(path.name == file and text.startswith(start) for file, start in IN_CODE)
    ]
    assert strangers == []


@pytest.mark.parametrize(("file", "start"), IN_CODE)
def test_an_exception_for_sql_in_code_is_still_there(file: str, start: str) -> None:
    assert [text for text in sql_in_code(source(POSTGRES / file)) if text.startswith(start)]
