"""Every statement on a tenant table binds the space, and on an organization's the organization.

Every statement has a name and a use.
"""

import ast
import re
from pathlib import Path

import pytest

from architecture.tree import SRC, source

POSTGRES = SRC / "adapters" / "postgres"
MIGRATIONS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((POSTGRES / "migrations").glob("*.sql"))
)
FILES = sorted((POSTGRES / "sql").glob("*.sql"))
_TABLE = re.compile(r"create table obelisk\.(\w+) \((.*?)\n\)(?: partition by [^;]+)?;", re.S)
TENANT_TABLES = frozenset(
    table
    for table, columns in _TABLE.findall(MIGRATIONS)
    if re.search(r"^\s*space_id\b", columns, re.M)
)
ORGANIZATION_TABLES = frozenset(
    [
        table
        for table, columns in _TABLE.findall(MIGRATIONS)
        if re.search(r"^\s*organization_id uuid (?:not null|primary key)\b", columns, re.M)
    ]
    + re.findall(
        r"alter table obelisk\.(\w+) alter column organization_id set not null", MIGRATIONS
    )
)
FUNCTIONS = dict(re.findall(r"create function obelisk\.(\w+)\(\s*(\w*)", MIGRATIONS))
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

_HEADER = re.compile(r"^-- ([a-z_]+):[ \t]*(.*)$", re.M)
_REFERENCE = re.compile(r"(?:\b(?:from|join|update|using)|,)\s+obelisk\.(\w+)(?!\w*\()", re.I)
_INSERT = re.compile(
    r"\binsert into obelisk\.(\w+)\s*\(\s*(\w+)[^)]*\)\s*(values\s*\(|select\s)", re.I
)
_ANY_INSERT = re.compile(r"\binsert into obelisk\.(\w+)", re.I)
_CALL = re.compile(r"\bobelisk\.(\w+)\(([^,()]*)")
_BINDING = re.compile(r"\bspace_id\s*=\s*(?:\$\d+\b|\w+\.space_id\b)", re.I)
_BOUND = re.compile(r"\bspace_id\s*=\s*\$\d+\b", re.I)
_ORGANIZATION_BINDING = re.compile(
    r"\borganization_id\s*=\s*(?:\$\d+\b|\w+\.organization_id\b)", re.I
)
_ORGANIZATION_BOUND = re.compile(r"\borganization_id\s*=\s*\$\d+\b", re.I)
_COLUMNS = re.compile(
    r"\binsert into obelisk\.(\w+)\s*\(([^)]*)\)\s*(?:values\s*\(|select\s)([^()]*)", re.I
)
_SQL_TEXT = re.compile(
    r"^\s*(?:(?:select|insert\s+into|update|delete\s+from|create|alter|drop|grant|revoke|truncate)\s"
    r"|with\s+\w+\s+as\b|set\s+(?:local|session|role)\b|copy\s+\S+\s+(?:from|to)\b|do\s+\$)",
    re.I,
)


def named_statements(text: str) -> list[tuple[str, str, str]]:
    """Name, purpose and SQL of each statement, in order."""
    parts = _HEADER.split(text)[1:]
    bodies = [_without_comments(body) for body in parts[2::3]]
    return list(zip(parts[0::3], parts[1::3], bodies, strict=True))


def header_faults(text: str) -> list[str]:
    """Statements that have no purpose, a name that another has, or no SQL."""
    found = named_statements(text)
    names = [name for name, _, _ in found]
    faults = [f"{name} stands twice" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"{name} has no purpose" for name, purpose, _ in found if not purpose.strip()]
    faults += [f"{name} is empty" for name, _, sql in found if not sql.strip()]
    if _HEADER.split(text)[0].strip():
        faults.append("something stands before the first name")
    return faults


def space_faults(sql: str) -> list[str]:
    """Why this statement might touch another space's rows; empty when it cannot."""
    faults = _insert_faults(sql) + _call_faults(sql)
    references = [table for table in _REFERENCE.findall(sql) if table in TENANT_TABLES]
    if references:
        if not _BOUND.search(sql):
            faults.append(f"{', '.join(references)}: no space_id = $n")
        elif len(_BINDING.findall(sql)) < len(references):
            faults.append(f"{', '.join(references)}: one of them is not bound to the space")
        elif re.search(r"\bor\b", _flat(sql).partition(" where ")[2], re.I):
            faults.append("an `or` beside the space lets other rows in")
    return faults


def organization_faults(sql: str) -> list[str]:
    """Why this statement might touch another organization's rows; empty when it cannot."""
    into = {table for table in _ANY_INSERT.findall(sql) if table in ORGANIZATION_TABLES}
    bound = {table for table, columns, values in _COLUMNS.findall(sql) if _binds(columns, values)}
    faults = [f"insert into {table}: organization_id is no bound value" for table in into - bound]
    faults += [
        f"{name}(): its first argument is not bound"
        for name, argument in _CALL.findall(sql)
        if FUNCTIONS.get(name) == "p_organization" and not re.fullmatch(r"\s*\$\d+\s*", argument)
    ]
    references = [table for table in _REFERENCE.findall(sql) if table in ORGANIZATION_TABLES]
    if references:
        if not _ORGANIZATION_BOUND.search(sql):
            faults.append(f"{', '.join(references)}: no organization_id = $n")
        elif len(_ORGANIZATION_BINDING.findall(sql)) < len(references):
            faults.append(f"{', '.join(references)}: one is not bound to the organization")
        elif re.search(r"\bor\b", _flat(sql).partition(" where ")[2], re.I):
            faults.append("an `or` beside the organization lets other rows in")
    return faults


def _binds(columns: str, values: str) -> bool:
    """Whether an insert's organization_id is one of its parameters."""
    names = [name.strip() for name in columns.split(",")]
    given = [value.strip() for value in values.split(",")]
    if "organization_id" not in names or names.index("organization_id") >= len(given):
        return False
    return bool(re.fullmatch(r"\$\d+", given[names.index("organization_id")]))


def _insert_faults(sql: str) -> list[str]:
    bound = {
        match[1]
        for match in _INSERT.finditer(sql)
        if match[2] == "space_id" and re.match(r"\s*\$\d+\b", sql[match.end() :])
    }
    into = {table for table in _ANY_INSERT.findall(sql) if table in TENANT_TABLES}
    return [
        f"insert into {table}: space_id is not the first, bound value" for table in into - bound
    ]


def _call_faults(sql: str) -> list[str]:
    return [
        f"{name}(): its first argument is not the space"
        for name, argument in _CALL.findall(sql)
        if FUNCTIONS.get(name) not in ("p_space", "p_spaces")
        or not re.fullmatch(r"\s*\$\d+\s*", argument)
    ]


def _flat(sql: str) -> str:
    """The statement in one line, without anything in parentheses."""
    flat = re.sub(r"\s+", " ", sql)
    while (less := re.sub(r"\([^()]*\)", "", flat)) != flat:
        flat = less
    return flat


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def statements_used(tree: ast.Module) -> set[tuple[str, str]]:
    """(file, name) of each `_SQL["name"]` where `_SQL = statements("file")`; `?` when computed."""
    files = {
        node.targets[0].id: node.value.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "statements"
        and isinstance(node.value.args[0], ast.Constant)
    }
    return {
        (str(files[node.value.id]), _constant(node.slice))
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in files
    }


def _constant(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "?"


def sql_in_code(tree: ast.Module) -> list[str]:
    """Texts that are SQL, docstrings aside; of an f-string, what it begins with."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        " ".join(node.value.split())
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and _SQL_TEXT.match(node.value)
    ]


def _every_statement() -> list[tuple[str, str, str]]:
    return [
        (path.stem, name, sql)
        for path in FILES
        for name, _, sql in named_statements(path.read_text(encoding="utf-8"))
    ]


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
