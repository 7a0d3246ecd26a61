"""Named statements from the `.sql` files beside this module.

A file holds statements, each after a line `-- name: purpose`. A name is unique in its file.
"""

import re
from importlib.resources import files

_HEADER = re.compile(r"^-- (?P<name>[a-z_]+): .+$", re.MULTILINE)


def statements(file: str) -> dict[str, str]:
    """Read `sql/<file>.sql` into name -> statement."""
    text = (files("adapters.postgres") / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    return {
        header["name"]: text[header.end() : end].strip()
        for header, end in zip(headers, ends, strict=True)
    }
