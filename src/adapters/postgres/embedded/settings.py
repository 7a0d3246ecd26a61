"""Server settings that suit a laptop, and the few that are not the caller's to change."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from adapters.postgres.embedded.errors import EmbeddedPostgresError
from adapters.postgres.embedded.sockets import PORT

_ROOMY_BYTES = 128 * 1024 * 1024
_DEFAULTS = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FIXED = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
}
_OUT_OF_REACH = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "unix_socket_directories",
    }
)
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only measured


def settings_of(wishes: Mapping[str, str], sockets: Path) -> dict[str, str]:
    """Defaults, the caller's wishes, and what the launcher itself relies on."""
    memory = {"dynamic_shared_memory_type": shared_memory_type()}
    return {**_DEFAULTS, **memory, **wishes, **_FIXED, "unix_socket_directories": f'"{sockets}"'}


def check(wishes: Mapping[str, str]) -> None:
    """Raises EmbeddedPostgresError for a wish that would open the server or hide it from us."""
    for name in wishes:
        if name.lower() in _OUT_OF_REACH | _FIXED.keys():
            raise EmbeddedPostgresError(
                f"the setting {name} of the embedded server cannot be changed; "
                "for other needs set DATABASE_URL to a server of your own"
            )


def shared_memory_type(place: Path = _SHARED_MEMORY) -> str:
    """`posix`, or `mmap` where a container gives too little shared memory for parallel queries."""
    if sys.platform != "linux":
        return "posix"
    try:
        room = os.statvfs(place)
    except OSError:
        return "mmap"
    enough = room.f_bavail * room.f_frsize >= _ROOMY_BYTES and os.access(place, os.W_OK)
    return "posix" if enough else "mmap"
