"""The command `obelisk`."""

import os
import signal
import sys

_INTERRUPTED = 130


def main() -> None:
    """Entry point; the commands are imported here, so that Ctrl-C is clean from the start."""
    # Before gRPC is imported: child processes are started by exec, so it need not follow a fork.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        # An interrupt raised within an import can come out as another error, or be swallowed by
        # a library's fallback. Until `run_async` nothing is begun, so the process just ends.
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
        from entrypoints.cli.app import app  # noqa: PLC0415 - after the environment is set

        app()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
