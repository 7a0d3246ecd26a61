"""Who the server runs as. PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from typing import Literal

from adapters.postgres.embedded.errors import EmbeddedPostgresError

_UNPRIVILEGED = ("daemon", "bin", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An operating-system identity for a child.

    `self` is the caller; `namespace` is the caller too, seen by the child alone as `uid`;
    `account` is another account, which needs root to become.
    """

    kind: Literal["self", "namespace", "account"]
    uid: int
    gid: int

    @property
    def argument(self) -> str:
        """The spelling that child.py parses."""
        return "self" if self.kind == "self" else f"{self.kind}:{self.uid}:{self.gid}"

    @property
    def file_owner(self) -> tuple[int, int]:
        """User and group, as everybody else sees them, of the files the child creates."""
        return (self.uid, self.gid) if self.kind == "account" else (os.geteuid(), os.getegid())


def caller() -> Identity:
    return Identity(kind="self", uid=os.geteuid(), gid=os.getegid())


def has_name() -> bool:
    """Whether the account database knows the caller; initdb insists on it."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def namespace() -> Identity:
    """The caller under an unprivileged number; it must have a name, or initdb refuses it."""
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(kind="namespace", uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedPostgresError(f"none of the accounts {', '.join(_UNPRIVILEGED)} exists here")


def account(uid: int) -> Identity:
    """Raises EmbeddedPostgresError when the number has no account on this machine."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"the database belongs to user id {uid}, which has no account on this machine; "
            "add one, or change the owner of the folder"
        ) from None
    return Identity(kind="account", uid=uid, gid=entry.pw_gid)


def nobody() -> Identity:
    try:
        return account(pwd.getpwnam("nobody").pw_uid)
    except KeyError:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root and there is no account named nobody; "
            "run Obelisk as a normal user, or set DATABASE_URL to a server of your own"
        ) from None
