"""What may be wrong with a statement: whose rows it could touch, and how it is kept."""

import ast
import re

from architecture.tree import SRC

POSTGRES = SRC / "adapters" / "postgres"
MIGRATIONS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((POSTGRES / "migrations").glob("*.sql"))
)
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
