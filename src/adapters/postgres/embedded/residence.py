"""Where a server lives and as whom it runs: three ways, because PostgreSQL refuses to be root."""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adapters.postgres.embedded import identity
from adapters.postgres.embedded.binaries import Binaries, installed_binaries, shared_copy
from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.files import private_folder, write_durably
from adapters.postgres.embedded.identity import Identity
from adapters.postgres.embedded.probe import probe
from adapters.postgres.embedded.spawner import Spawner

RunAs = Literal["automatic", "namespace", "account"]
POINTER = "state-is-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """The server's identity, the folder of its state, and the programs that identity can run.

    `major` is the programs' major version, as the file PG_VERSION spells it.
    """

    identity: Identity
    state: Path
    binaries: Binaries
    major: str


def key_of(root: Path) -> str:
    """A short name for the folder, stable between starts."""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def choose_residence(root: Path, spawner: Spawner, run_as: RunAs, state_home: Path) -> Residence:
    """The way that works here; data that exists already decides before any preference.

    A normal user runs the server as itself; one without a name in the account database, as in
    some containers, creates the data in a user namespace, where it borrows one. Root runs it in
    a user namespace too, so that files stay root's and closed folders can be entered; where that
    is not permitted, as the account nobody, with its state below `state_home`.

    Raises EmbeddedPostgresError when no way works, or the one that the data needs does not.
    """
    installed = installed_binaries()
    if os.geteuid() != 0:
        return _as_caller(root, installed, spawner, run_as)
    if (root / POINTER).exists():
        return _as_nobody(root, installed, spawner, state_home)
    owner = (root / "data").stat().st_uid if (root / "data").exists() else 0
    if owner != 0:
        return _as_account(root, identity.account(owner), installed, spawner, state_home)
    if run_as != "account":
        home, problem = _settle(identity.namespace(), root, installed, spawner)
        if home is not None:
            return home
        if run_as == "namespace":
            raise EmbeddedPostgresError(f"cannot run PostgreSQL in a user namespace: {problem}")
    if (root / "data").exists():
        raise EmbeddedPostgresError(
            f"{root}/data was made by root in a user namespace, which is not permitted here; "
            "permit user namespaces, or change its owner to a normal account (chown -R)"
        )
    return _as_nobody(root, installed, spawner, state_home)


def _as_caller(root: Path, installed: Binaries, spawner: Spawner, run_as: RunAs) -> Residence:
    if run_as != "automatic":
        raise EmbeddedPostgresError(f"running PostgreSQL as {run_as} needs root")
    if (root / POINTER).exists():
        raise EmbeddedPostgresError(
            f"the database of {root} was made by root; run as root, or use another folder"
        )
    home, problem = _settle(identity.caller(), root, installed, spawner)
    if home is not None and not identity.has_name() and not (root / "data").exists():
        home, problem = _settle(identity.namespace(), root, installed, spawner)
    if home is None:
        raise EmbeddedPostgresError(f"cannot run PostgreSQL: {problem}")
    return home


def _as_nobody(root: Path, installed: Binaries, spawner: Spawner, state_home: Path) -> Residence:
    who = identity.nobody()
    _trusted_folder(state_home)
    pointer = root / POINTER
    if pointer.exists():
        state = _pointed_at(pointer, state_home)
    else:
        state = state_home / key_of(root)
        _set_aside(state)
        write_durably(pointer, f"{state}\n")
    private_folder(state, who.file_owner)
    return _as_account(state, who, installed, spawner, state_home)


def _as_account(
    state: Path, who: Identity, installed: Binaries, spawner: Spawner, state_home: Path
) -> Residence:
    home, _ = _settle(who, state, installed, spawner)
    if home is not None:
        return home
    _trusted_folder(state_home)
    home, problem = _settle(who, state, shared_copy(installed, state_home), spawner)
    if home is None:
        raise EmbeddedPostgresError(f"cannot run PostgreSQL as {who.argument}: {problem}")
    return home


def _settle(
    who: Identity, state: Path, binaries: Binaries, spawner: Spawner
) -> tuple[Residence | None, str]:
    found = probe(who, state, binaries, spawner)
    if found.problem:
        return None, found.problem
    home = Residence(identity=who, state=state, binaries=binaries, major=found.major)
    return home, ""


def _pointed_at(pointer: Path, state_home: Path) -> Path:
    state = Path(pointer.read_text(encoding="utf-8", errors="surrogateescape").strip())
    # Root is about to give this folder away, so the file may not name just any folder.
    if state.parent != state_home or state.name in {"", ".."}:
        raise EmbeddedPostgresError(
            f"{pointer} names {state}, which is not in {state_home}; correct or remove that file"
        )
    return state


def _set_aside(state: Path) -> None:
    # Without its pointer the state belongs to a folder that was deleted: keep it, never reuse it.
    if state.exists():
        state.rename(state.with_name(f"{state.name}.left-{time.time_ns()}"))


def _trusted_folder(folder: Path) -> None:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != 0 or found.st_mode & 0o022:
        raise EmbeddedPostgresError(
            f"{folder} must belong to root and be writable by nobody else, because root runs "
            "programs from it; correct its owner and mode"
        )
    folder.chmod(0o755)
