"""A script run between fork and exec: ties the child to its parent, changes who it is, becomes it.

A process of its own because `preexec_fn` may deadlock in a parent that has threads.

Usage: child.py PARENT_PID DEATH_SIGNAL IDENTITY FOLDER PROGRAM [ARGUMENT...]
IDENTITY is `self`, `namespace:UID:GID` or `account:UID:GID`; FOLDER must be writable by it.
"""

import ctypes
import os
import sys

CANNOT_RUN = 126
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def enter_namespace(uid: int, gid: int) -> None:
    """Look like `uid` to this process alone, while files stay owned by the caller."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"user namespaces are not permitted: {os.strerror(error)}")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123 - every import here delays each start
        file.write(text)


def become(identity: str) -> None:
    kind, _, numbers = identity.partition(":")
    if kind == "self":
        return
    uid, gid = (int(number) for number in numbers.split(":"))
    if kind == "namespace":
        enter_namespace(uid, gid)
    else:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def follow_into_death(parent: int, death_signal: int) -> None:
    # After the change of identity, because the kernel forgets the signal then.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit(CANNOT_RUN)


def main(parent: str, death_signal: str, identity: str, folder: str, *program: str) -> None:
    try:
        become(identity)
        follow_into_death(int(parent), int(death_signal))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be entered and written by {identity}")
        os.execv(program[0], program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    main(*sys.argv[1:])
